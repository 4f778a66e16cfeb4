// Package machine finds out what a command has no runner to tell it: which repository the
// current directory is a clone of, and the token of the person who uses the machine. It
// runs git and gh, which know all places where their settings may be. If one of them is
// not installed, or has no answer, the rest of the command can still work.
package machine

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"os/exec"
	"slices"
	"strings"

	"github.com/artifetch/artifetch/internal/config"
	"github.com/artifetch/artifetch/internal/lazy"
)

// Run runs a program in the current directory, and returns what it wrote to stdout. The
// error matches exec.ErrNotFound if the program is not installed, and is an
// *exec.ExitError with the program's stderr if the program failed.
type Run func(ctx context.Context, program string, args ...string) ([]byte, error)

// Exec is the Run of a process: in its directory, with its environment.
func Exec(ctx context.Context, program string, args ...string) ([]byte, error) {
	return exec.CommandContext(ctx, program, args...).Output() //nolint:gosec // Machine names the programs
}

// Machine is the developer's machine.
type Machine struct {
	// Run runs git and gh; nil means that neither is installed.
	Run Run
}

func (m Machine) run(ctx context.Context, program string, args ...string) ([]byte, error) {
	if m.Run == nil {
		return nil, &exec.Error{Name: program, Err: exec.ErrNotFound}
	}
	return m.Run(ctx, program, args...)
}

var (
	// fetchLine finds the lines of git remote -v about fetching: a name, the address with
	// insteadOf applied, and perhaps a filter.
	fetchLine = lazy.Regexp(`(?m)^([^\t\n]+)\t(.+) \(fetch\)(?: \[[^\]]*\])?\r?$`)
	// resolvedLine finds the lines of git config with what gh noted about a remote.
	resolvedLine = lazy.Regexp(`(?m)^remote\.(.+)\.gh-resolved (.+?)\r?$`)
)

// Remotes implements config.Machine. The remote that gh resolved comes first, then
// upstream, then origin. Any other remote counts only if there is no second one.
func (m Machine) Remotes(ctx context.Context) ([]config.Remote, error) {
	out, err := m.run(ctx, "git", "remote", "-v")
	if err != nil {
		return nil, gitError(err)
	}
	var all []config.Remote
	for _, line := range fetchLine().FindAllStringSubmatch(string(out), -1) {
		if !slices.ContainsFunc(all, func(r config.Remote) bool { return r.Name == line[1] }) {
			all = append(all, config.Remote{Name: line[1], URL: line[2]})
		}
	}
	if len(all) == 0 {
		return nil, errors.New("the git repository of the current directory has no remotes")
	}
	// git exits with 1 if there is no such setting.
	out, _ = m.run(ctx, "git", "config", "--get-regexp", `^remote\..*\.gh-resolved$`)
	for _, line := range resolvedLine().FindAllStringSubmatch(string(out), -1) {
		if i := slices.IndexFunc(all, func(r config.Remote) bool { return r.Name == line[1] }); i >= 0 {
			all[i].Resolved = line[2]
		}
	}
	usual := slices.DeleteFunc(slices.Clone(all), func(r config.Remote) bool { return rank(r) == unusual })
	if len(usual) == 0 && len(all) == 1 {
		return all, nil
	}
	slices.SortStableFunc(usual, func(a, b config.Remote) int { return cmp.Compare(rank(a), rank(b)) })
	if len(usual) == 0 {
		return nil, errors.New("none of the git remotes is called upstream or origin")
	}
	return usual, nil
}

// unusual is the rank of a remote that counts only if it is the only one.
const unusual = 3

// rank returns a remote's place in the order of preference, from 0.
func rank(r config.Remote) int {
	switch {
	case r.Resolved != "":
		return 0
	case r.Name == "upstream":
		return 1
	case r.Name == "origin":
		return 2
	}
	return unusual
}

// gitError says why git named no remotes.
func gitError(err error) error {
	if errors.Is(err, exec.ErrNotFound) {
		return errors.New("the remotes of the current directory are unknown, because git is not installed")
	}
	exit, ok := errors.AsType[*exec.ExitError](err)
	if !ok {
		return fmt.Errorf("git did not run: %w", err)
	}
	line, _, _ := bytes.Cut(exit.Stderr, []byte("\n"))
	if text := strings.TrimPrefix(strings.TrimSpace(string(line)), "fatal: "); text != "" {
		return fmt.Errorf("git knows no remotes of the current directory: %s", text)
	}
	return fmt.Errorf("git knows no remotes of the current directory: %w", err)
}

// Token implements config.Machine. It always names the host: otherwise gh prints the token
// of the host that the user last logged in to.
func (m Machine) Token(ctx context.Context, host string) string {
	out, err := m.run(ctx, "gh", "auth", "token", "--hostname", host)
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(out))
}
