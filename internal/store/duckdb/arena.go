package duckdb

/*
#include <stdlib.h>
#ifdef __GLIBC__
#include <malloc.h>
static void few_arenas(void) { mallopt(M_ARENA_MAX, 2); }
static void trim(void) { malloc_trim(0); }
#else
static void few_arenas(void) {}
static void trim(void) {}
#endif
*/
import "C"

// fewArenas keeps the C library from taking an arena for each thread: what the engine holds beside its tables and blocks is small,
// and of every arena some is left over.
func fewArenas() { C.few_arenas() }

// trim gives back to the system what the C library keeps of what was freed.
func trim() { C.trim() }
