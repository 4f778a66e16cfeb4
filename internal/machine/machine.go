// Package machine tells what a step learns from its runner and a command has to find out:
// which repository the current directory is a clone of, and the token of the person who
// uses the machine. It asks the programs git and gh, which know all places where their
// settings may be. A program that is not installed, or has no answer, is no failure.
package machine

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"os/exec"
	"regexp"
	"slices"
	"strings"

	"github.com/artifetch/artifetch/internal/config"
)

// Run runs a program in the current directory, and returns what it wrote to stdout. The
// error matches exec.ErrNotFound if the program is not installed, and is an
// *exec.ExitError with the program's stderr if the program failed.
type Run func(ctx context.Context, program string, args ...string) ([]byte, error)

// Machine is the developer's machine.
type Machine struct{ Run Run }

// fetched is a line of git remote -v: a name, the address after insteadOf, and perhaps a
// filter.
var fetched = regexp.MustCompile(`(?m)^([^\t\n]+)\t(.+) \(fetch\)(?: \[[^\]]*\])?\r?$`)

// noted is a line of git config that has what gh noted of a remote.
var noted = regexp.MustCompile(`(?m)^remote\.(.+)\.gh-resolved (.+?)\r?$`)

// Remotes implements config.Machine. First comes the remote that gh resolved, then
// upstream, then origin. Another remote counts only if it is the only one.
func (m Machine) Remotes(ctx context.Context) ([]config.Remote, error) {
	out, err := m.Run(ctx, "git", "remote", "-v")
	if err != nil {
		return nil, gitError(err)
	}
	var all []config.Remote
	for _, line := range fetched.FindAllStringSubmatch(string(out), -1) {
		if !slices.ContainsFunc(all, func(r config.Remote) bool { return r.Name == line[1] }) {
			all = append(all, config.Remote{Name: line[1], URL: line[2]})
		}
	}
	if len(all) == 0 {
		return nil, errors.New("the git repository of the current directory has no remotes")
	}
	// Without such a setting git exits with 1.
	out, _ = m.Run(ctx, "git", "config", "--get-regexp", `^remote\..*\.gh-resolved$`)
	for _, line := range noted.FindAllStringSubmatch(string(out), -1) {
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

const unusual = 3

// rank orders remotes.
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
		return errors.New("git, which knows the remotes of the current directory, is not installed")
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

// Token implements config.Machine. The host is always named: without it, gh gives the
// token of the host that its user last logged in to.
func (m Machine) Token(ctx context.Context, host string) string {
	out, err := m.Run(ctx, "gh", "auth", "token", "--hostname", host)
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(out))
}
