//go:build producers

package producers

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"text/tabwriter"
	"unicode"

	gocmp "github.com/google/go-cmp/cmp"
)

var (
	modules = flag.String("modules", "", "the directory node_modules with archiver, yazl and @actions/artifact")
	record  = flag.Bool("record", false, "write testdata")
	heavy   = flag.Bool("heavy", false, "a file of 5 GiB, too")
	seed    = flag.Uint64("seed", 1, "of the trees")
)

func TestMain(m *testing.M) {
	flag.Parse()
	if *modules == "" {
		fmt.Fprintln(os.Stderr, "run internal/e2e/producers/run.sh: it installs the programs that this test needs")
		os.Exit(2)
	}
	os.Exit(m.Run())
}

// producer is a way to make a zip.
type producer struct {
	name string
	// make makes the zip out of the tree dir.
	make func(s shell, dir, out string)
	// noLinks says that the program follows symlinks, or fails at them.
	noLinks bool
	// alien says that the zip has other names than the tree.
	alien bool
	// fat says that its entries say that they were made on FAT. unzip decodes their names as
	// DOS's, also where they are UTF-8, so only ASCII names are compared.
	fat bool
	// unzip and python say that these programs know the method and can decode the names:
	// Python's zipfile takes one encoding for all of an archive.
	unzip, python bool
}

// shell runs programs for a test.
type shell struct {
	t   *testing.T
	ctx context.Context
}

func (s shell) command(dir, name string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(s.ctx, name, args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "LC_ALL=C.UTF-8", "GIT_CONFIG_GLOBAL=/dev/null", "GIT_CONFIG_SYSTEM=/dev/null",
		"GIT_AUTHOR_NAME=a", "GIT_AUTHOR_EMAIL=a@b.c", "GIT_COMMITTER_NAME=a", "GIT_COMMITTER_EMAIL=a@b.c")
	return cmd
}

// run runs a program in a directory.
func (s shell) run(dir, name string, args ...string) {
	s.t.Helper()
	if out, err := s.command(dir, name, args...).CombinedOutput(); err != nil {
		s.t.Fatalf("%s %q: %v\n%s", name, args, err, out)
	}
}

// pipe runs a program whose output is a pipe, and writes that to a file. Its input is
// a pipe, too.
func (s shell) pipe(dir, input, out, name string, args ...string) {
	s.t.Helper()
	var stdout, stderr bytes.Buffer
	cmd := s.command(dir, name, args...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = strings.NewReader(input), &stdout, &stderr
	if err := cmd.Run(); err != nil {
		s.t.Fatalf("%s %q: %v\n%s", name, args, err, stderr.Bytes())
	}
	if out != "" {
		s.write(out, stdout.Bytes())
	}
}

func (s shell) write(name string, data []byte) {
	s.t.Helper()
	if err := os.WriteFile(name, data, 0o600); err != nil {
		s.t.Fatal(err)
	}
}

// sevenZip returns the name of the program: in Debian 12 it is 7zz, later 7z, too.
var sevenZip = sync.OnceValue(func() string {
	if path, err := exec.LookPath("7zz"); err == nil {
		return path
	}
	return "7z"
})

func sevenZipBy(args ...string) func(s shell, dir, out string) {
	return func(s shell, dir, out string) {
		s.run(dir, sevenZip(), append(append([]string{"a", "-tzip", "-snl", "-bd"}, args...), out, ".")...)
	}
}

func zipBy(args ...string) func(s shell, dir, out string) {
	return func(s shell, dir, out string) { s.run(dir, "zip", append(args, out, ".")...) }
}

func bsdtarBy(args ...string) func(s shell, dir, out string) {
	return func(s shell, dir, out string) {
		s.run(dir, "bsdtar", append(append([]string{"-c", "--format", "zip"}, args...), "-f", out, ".")...)
	}
}

func jarBy(options string) func(s shell, dir, out string) {
	return func(s shell, dir, out string) { s.run(dir, "jar", options, out, ".") }
}

func pythonBy(method string) func(s shell, dir, out string) {
	return func(s shell, dir, out string) { s.run(".", "python3", "producers.py", "make", method, dir, out) }
}

func nodeBy(library string) func(s shell, dir, out string) {
	return func(s shell, dir, out string) { s.run(".", "node", "producers.mjs", library, *modules, dir, out) }
}

// piped is the content that comes from a pipe.
var piped = strings.Repeat("piped ", 10_000)

const program = "#!/bin/sh\nexit 0\n"

// prefixed puts a program before a zip, as self-extractors have it.
func prefixed(s shell, out string) {
	zip, err := os.ReadFile(out)
	if err != nil {
		s.t.Fatal(err)
	}
	s.write(out, append([]byte(program), zip...))
}

var producers = []producer{
	{name: "Info-ZIP zip", make: zipBy("-qry"), unzip: true, python: true},
	{name: "Info-ZIP zip, stored", make: zipBy("-qry0"), unzip: true, python: true},
	{name: "Info-ZIP zip, bzip2", make: zipBy("-qry", "-Z", "bzip2"), unzip: true, python: true},
	{name: "Info-ZIP zip, zip64", make: zipBy("-qry", "-fz"), unzip: true, python: true},
	{name: "Info-ZIP zip, descriptors", make: zipBy("-qr", "-fd"), noLinks: true, unzip: true, python: true},
	{name: "Info-ZIP zip, for DOS", make: zipBy("-qrk"), noLinks: true, alien: true, fat: true, unzip: true},
	{name: "Info-ZIP zip, to a pipe", make: func(s shell, dir, out string) { s.pipe(dir, "", out, "zip", "-qr", "-", ".") }, noLinks: true, unzip: true, python: true},
	{name: "Info-ZIP zip, from a pipe", make: func(s shell, dir, out string) { s.pipe(dir, piped, "", "zip", "-q", out, "-") }, alien: true, unzip: true, python: true},
	{name: "Info-ZIP zip, both", make: func(s shell, dir, out string) { s.pipe(dir, piped, out, "zip", "-q", "-", "-") }, alien: true, unzip: true, python: true},
	{name: "Info-ZIP zip, after a program", make: func(s shell, dir, out string) { zipBy("-qry")(s, dir, out); prefixed(s, out) }, unzip: true, python: true},
	{name: "Info-ZIP zip, adjusted", make: func(s shell, dir, out string) {
		zipBy("-qry")(s, dir, out)
		prefixed(s, out)
		s.run(dir, "zip", "-qA", out)
	}, unzip: true, python: true},
	{name: "7-Zip", make: sevenZipBy(), unzip: true, python: true},
	{name: "7-Zip, UTF-8", make: sevenZipBy("-mcu=on", "-mx=9"), unzip: true, python: true},
	{name: "7-Zip, bzip2", make: sevenZipBy("-mm=BZip2"), unzip: true, python: true},
	{name: "7-Zip, Deflate64", make: sevenZipBy("-mm=Deflate64"), unzip: true},
	{name: "7-Zip, LZMA", make: sevenZipBy("-mm=LZMA"), python: true},
	{name: "7-Zip, from a pipe", make: func(s shell, dir, out string) { s.pipe(dir, piped, "", sevenZip(), "a", "-tzip", "-sipiped.txt", out) }, alien: true, unzip: true, python: true},
	{name: "bsdtar", make: bsdtarBy(), unzip: true, python: true},
	{name: "bsdtar, stored", make: bsdtarBy("--options", "zip:compression=store"), unzip: true, python: true},
	{name: "bsdtar, zip64", make: bsdtarBy("--options", "zip:zip64"), unzip: true, python: true},
	{name: "bsdtar, to a pipe", make: func(s shell, dir, out string) {
		s.pipe(dir, "", out, "bsdtar", "-c", "--format", "zip", "-f", "-", ".")
	}, unzip: true, python: true},
	{name: "jar", make: jarBy("cf"), noLinks: true, fat: true, unzip: true, python: true},
	{name: "jar, stored", make: jarBy("c0Mf"), noLinks: true, fat: true, unzip: true, python: true},
	{name: "Python zipfile, stored", make: pythonBy("ZIP_STORED"), unzip: true, python: true},
	{name: "Python zipfile, deflated", make: pythonBy("ZIP_DEFLATED"), unzip: true, python: true},
	{name: "Python zipfile, bzip2", make: pythonBy("ZIP_BZIP2"), unzip: true, python: true},
	{name: "Python zipfile, LZMA", make: pythonBy("ZIP_LZMA"), python: true},
	{name: "Python zipfile, to a pipe", make: func(s shell, dir, out string) {
		s.pipe(".", "", out, "python3", "producers.py", "make", "ZIP_DEFLATED", dir, "-")
	}, unzip: true, python: true},
	{name: "Python zipapp", make: func(s shell, dir, out string) { s.run(".", "python3", "producers.py", "zipapp", dir, out) }, noLinks: true, alien: true, unzip: true, python: true},
	{name: "Perl Archive::Zip", make: func(s shell, dir, out string) { s.run(".", "perl", "producers.pl", dir, out) }, noLinks: true, unzip: true, python: true},
	{name: "git archive", make: gitArchive, unzip: true, python: true},
	{name: "npm archiver", make: nodeBy("archiver"), unzip: true, python: true},
	{name: "npm yazl", make: nodeBy("yazl"), noLinks: true, unzip: true, python: true},
	{name: "npm @actions/artifact", make: nodeBy("artifact"), noLinks: true, unzip: true, python: true},
}

func gitArchive(s shell, dir, out string) {
	s.run(dir, "git", "init", "-q")
	s.run(dir, "git", "add", "-A", "-f")
	s.run(dir, "git", "commit", "-q", "--no-gpg-sign", "-m", "x")
	s.run(dir, "git", "archive", "--format", "zip", "-o", out, "HEAD")
	if err := os.RemoveAll(filepath.Join(dir, ".git")); err != nil {
		s.t.Fatal(err)
	}
}

// trees is how many trees each producer packs.
const trees = 2

// score counts a producer's zips, the paths in them, and the zips that were compared with
// what unzip and Python extract.
type score struct{ zips, paths, unzip, python int }

// Every zip is extracted as unzip and Python's zipfile extract it, and with the contents
// that were packed.
func TestProducers(t *testing.T) {
	t.Parallel()
	scores := make([]score, len(producers))
	t.Cleanup(func() { t.Log("\n" + table(scores)) })
	for i, p := range producers {
		t.Run(p.name, func(t *testing.T) {
			t.Parallel()
			s := shell{t, t.Context()}
			if *record {
				p.record(s)
			}
			for n := range uint64(trees) {
				dir, tmp := t.TempDir(), t.TempDir()
				grow(t, dir, *seed*trees+n, !p.noLinks)
				out := filepath.Join(tmp, "made.zip")
				p.make(s, dir, out)
				got := p.check(s, treeOf(t, dir), out)
				scores[i].zips++
				scores[i].paths += len(got)
				scores[i].unzip += one(p.unzip)
				scores[i].python += one(p.python)
			}
		})
	}
}

// record makes a zip of a small tree and writes down what is in it, for the tests that
// run without the programs.
func (p *producer) record(s shell) {
	dir := s.t.TempDir()
	plant(s.t, dir, !p.noLinks)
	name := strings.NewReplacer(" ", "-", ",", "", "@", "", "/", "-", "::", "-").Replace(strings.ToLower(p.name))
	out, err := filepath.Abs(filepath.Join("testdata", name+".zip"))
	if err == nil {
		err = errors.Join(os.MkdirAll("testdata", 0o755), os.RemoveAll(out))
	}
	if err != nil {
		s.t.Fatal(err)
	}
	p.make(s, dir, out)
	if err := os.Chmod(out, 0o644); err != nil {
		s.t.Fatal(err)
	}
	got := p.check(s, treeOf(s.t, dir), out)
	s.write(strings.TrimSuffix(out, ".zip")+".txt", []byte(got.lines()))
}

func one(b bool) int {
	if b {
		return 1
	}
	return 0
}

// check extracts a zip with our reader and with the other programs, compares the trees, and
// returns ours.
func (p *producer) check(s shell, source tree, out string) tree {
	s.t.Helper()
	tmp := s.t.TempDir()
	dest := filepath.Join(tmp, "ours")
	if err := extract(s.ctx, out, dest); err != nil {
		s.t.Fatal(err)
	}
	got := treeOf(s.t, dest)
	if !p.alien {
		for name, n := range source {
			if n.kind.IsRegular() && (got[name].crc != n.crc || got[name].size != n.size) {
				s.t.Errorf("%q is a %v, and was a %v", name, got[name], n)
			}
		}
	}
	if p.unzip {
		dir := filepath.Join(tmp, "unzip")
		if said, err := s.command(".", "unzip", "-qq", out, "-d", dir).CombinedOutput(); err != nil && !onlyWarns(err) {
			s.t.Fatalf("unzip: %v\n%s", err, said)
		}
		want, ours := treeOf(s.t, dir), got
		if p.fat {
			want, ours = want.ascii(), ours.ascii()
		}
		if diff := gocmp.Diff(want, ours, gocmp.AllowUnexported(node{})); diff != "" {
			s.t.Errorf("unzip and we:\n%s", diff)
		}
	}
	if p.python {
		dir := filepath.Join(tmp, "python")
		s.run(".", "python3", "producers.py", "extract", out, dir)
		if diff := gocmp.Diff(treeOf(s.t, dir), got.asPython(), gocmp.AllowUnexported(node{})); diff != "" {
			s.t.Errorf("Python and we:\n%s", diff)
		}
	}
	return got
}

// onlyWarns reports whether unzip extracted everything, and printed warnings.
func onlyWarns(err error) bool {
	failed, ok := errors.AsType[*exec.ExitError](err)
	return ok && failed.ExitCode() == 1
}

// asPython returns the tree as Python's zipfile extracts it: without execute bits, and with
// files in place of symlinks.
func (t tree) asPython() tree {
	plain := tree{}
	for name, n := range t {
		n.exec = false
		if n.kind == fs.ModeSymlink {
			n = fileOf(n.target)
		}
		plain[name] = n
	}
	return plain
}

// ascii returns the part of the tree that has names in ASCII.
func (t tree) ascii() tree {
	part := maps.Clone(t)
	maps.DeleteFunc(part, func(name string, _ node) bool {
		return strings.ContainsFunc(name, func(r rune) bool { return r > unicode.MaxASCII })
	})
	return part
}

// table shows the scores, producers by name.
func table(scores []score) string {
	var b strings.Builder
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "producer\tzips\tpaths\tas unzip\tas Python")
	var sum score
	for i, s := range scores {
		fmt.Fprintf(w, "%s\t%d\t%d\t%s\t%s\n", producers[i].name, s.zips, s.paths, dash(s.unzip), dash(s.python))
		sum = score{sum.zips + s.zips, sum.paths + s.paths, sum.unzip + s.unzip, sum.python + s.python}
	}
	fmt.Fprintf(w, "%d ways\t%d\t%d\t%d\t%d\n", len(scores), sum.zips, sum.paths, sum.unzip, sum.python)
	_ = w.Flush() // into memory
	return b.String()
}

// dash returns a count, or "-" for 0: the program does not know the method.
func dash(n int) string { return cmp.Or(strings.TrimPrefix(fmt.Sprint(n), "0"), "-") }
