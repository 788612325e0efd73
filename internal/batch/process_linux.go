package batch

import "syscall"

// ownGroup starts a process in a group of its own, which ends with the thread that starts it: a Spark whose parent was killed would
// go on for minutes, for nobody.
func ownGroup() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}
