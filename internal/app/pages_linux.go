package app

import (
	"bufio"
	"fmt"
	"os"
	"strings"
	"syscall"
)

// dropPages takes the program's own code and tables out of the process's memory: the start touches most of them once. What is
// needed again comes back from the page cache. Mappings with pages of their own, such as relocated tables, are left alone.
func dropPages() {
	file, err := os.Open("/proc/self/smaps")
	if err != nil {
		return // a kernel without it: nothing is lost
	}
	defer file.Close()
	var from, to uintptr
	lines := bufio.NewScanner(file)
	for lines.Scan() {
		line := lines.Text()
		var start, end uintptr
		var permissions, offset, device string
		var inode uint64
		if n, _ := fmt.Sscanf(line, "%x-%x %s %s %s %d", &start, &end, &permissions, &offset, &device, &inode); n == 6 {
			from, to = start, start
			if inode > 0 && (permissions == "r-xp" || permissions == "r--p") {
				to = end
			}
			continue
		}
		if size, ok := strings.CutPrefix(line, "Anonymous:"); ok && strings.TrimSpace(size) == "0 kB" && to > from {
			_, _, _ = syscall.Syscall(syscall.SYS_MADVISE, from, to-from, syscall.MADV_DONTNEED) // advice: a refusal is fine
		}
	}
}
