package process

import (
	"os"

	"golang.org/x/term"
)

// Columns returns a function that returns the present width of the terminal f, or 0 if the
// terminal does not tell it. Columns returns nil if f is not a terminal.
func Columns(f *os.File) func() int {
	fd := int(f.Fd())
	if !term.IsTerminal(fd) {
		return nil
	}
	return func() int {
		width, _, err := term.GetSize(fd)
		if err != nil {
			return 0
		}
		return width
	}
}
