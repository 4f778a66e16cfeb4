package testdir

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sync/errgroup"
)

// TestWriteProgram writes programs and starts them, many side by side.
func TestWriteProgram(t *testing.T) {
	t.Parallel()
	if _, err := os.Stat("/bin/sh"); err != nil {
		t.Skip("this system has no /bin/sh")
	}
	dir := t.TempDir()
	var group errgroup.Group
	for worker := range 8 {
		group.Go(func() error {
			for i := range 25 {
				if err := writeAndRun(t.Context(), filepath.Join(dir, fmt.Sprint(worker, "-", i))); err != nil {
					return err
				}
			}
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		t.Error(err)
	}
}

func writeAndRun(ctx context.Context, name string) error {
	body := strings.NewReader("#!/bin/sh\n" + strings.Repeat("# a comment\n", 100) + "echo done\n")
	if err := WriteProgram(name, body); err != nil {
		return err
	}
	out, err := exec.CommandContext(ctx, name).CombinedOutput()
	if err == nil && !bytes.Equal(out, []byte("done\n")) {
		err = fmt.Errorf("the program printed %q", out)
	}
	return err
}
