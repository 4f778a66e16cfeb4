//go:build unix && !linux

package workspace

// ownMounts does nothing: tests mount on Linux only.
func ownMounts() error { return nil }
