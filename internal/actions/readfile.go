package actions

import (
	"fmt"
	"io"
	"io/fs"
	"os"

	"github.com/artifetch/artifetch/internal/words"
)

// ReadFile reads a file whose name comes from the environment or an input. It refuses
// files of more than most bytes, and files that could block or never end, such as pipes
// and devices.
func ReadFile(name string, most int64) ([]byte, error) {
	// Opening a pipe would wait for its writer.
	if info, err := os.Stat(name); err == nil && !info.Mode().IsRegular() {
		return nil, &fs.PathError{Op: "open", Path: name, Err: notRegularError(info.Mode())}
	}
	f, err := os.Open(name) //nolint:gosec // the environment or an input names it
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }()
	data, err := io.ReadAll(io.LimitReader(f, most+1)) // the file may grow meanwhile
	if err == nil && int64(len(data)) > most {
		err = &fs.PathError{Op: "read", Path: name, Err: fmt.Errorf("it is larger than %s", words.Bytes(most))}
	}
	return data, err
}

// notRegularError holds the mode of a path that is not a regular file.
type notRegularError fs.FileMode

func (m notRegularError) Error() string {
	switch mode := fs.FileMode(m); {
	case mode.IsDir():
		return "it is a directory, not a file"
	case mode&fs.ModeNamedPipe != 0:
		return "it is a pipe, not a file"
	}
	return "it is not a regular file"
}
