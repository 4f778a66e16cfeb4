//go:build !linux && !darwin

package workspace

import "os"

// canRecover is false: without locks it is not known that a process is gone, so what it
// leaves stays.
const canRecover = false

func tryLock(*os.File) error { return errRefused }

func unlock(f *os.File) error { return f.Close() }

func (i *info) ours() bool { return false }
