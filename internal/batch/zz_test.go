package batch_test

import (
	"fmt"
	"os"
	"testing"
)

func TestZZ(t *testing.T) {
	root := os.Getenv("ZZ")
	if root == "" {
		t.Skip()
	}
	records := caseRecords(t)
	for seed := range uint64(12) {
		records = append(records, randomRecords(seed, fmt.Sprint("random ", seed), date(t, "2026-01-03"), 300)...)
		records = append(records, longChains(seed, fmt.Sprint("long ", seed), date(t, "2026-01-03"), 400)...)
	}
	for i, n := range []int{6, 9, 300, 700, 3000} {
		records = append(records, crowd(uint64(i), fmt.Sprint("crowd ", n), date(t, "2026-01-05"), n)...)
	}
	writeArchive(t, root, records)
	fmt.Println(len(records))
}
