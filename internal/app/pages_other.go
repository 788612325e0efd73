//go:build !linux

package app

// dropPages does nothing: only Linux is known to count such pages.
func dropPages() {}
