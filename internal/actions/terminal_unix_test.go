//go:build unix

package actions

import (
	"bufio"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/creack/pty"
	"github.com/google/go-cmp/cmp"
	"golang.org/x/term"
)

// screen is a terminal that knows what the bar is made of: text, CR and LF. Like xterm,
// it cuts lines when it becomes narrower, and stays in a line's last column until the
// next character.
type screen struct {
	tty     *os.File
	in      *bufio.Reader
	columns int
	rows    [][]rune // a wide character is followed by a 0
	x       int
}

func newScreen(t *testing.T, columns int) *screen {
	t.Helper()
	in, tty, err := pty.Open()
	if err != nil {
		t.Skipf("no pseudo-terminals here: %v", err)
	}
	t.Cleanup(func() { _, _ = tty.Close(), in.Close() })
	s := &screen{tty: tty, in: bufio.NewReader(in), rows: [][]rune{nil}}
	s.resize(t, columns)
	return s
}

func (s *screen) resize(t *testing.T, columns int) {
	t.Helper()
	if err := pty.Setsize(s.tty, &pty.Winsize{Rows: 24, Cols: uint16(columns)}); err != nil {
		t.Fatal(err)
	}
	s.columns, s.x = columns, min(s.x, max(columns-1, 0))
	for i, row := range s.rows {
		s.rows[i] = row[:min(len(row), columns)]
	}
}

// text returns what is on the screen, without trailing spaces.
func (s *screen) text(t *testing.T) string {
	t.Helper()
	if _, err := s.tty.Write([]byte{0}); err != nil { // terminals ignore it
		t.Fatal(err)
	}
	for {
		r, _, err := s.in.ReadRune()
		if err != nil {
			t.Fatal(err)
		}
		if r == 0 {
			break
		}
		s.put(t, r)
	}
	var lines []string
	for _, row := range s.rows {
		lines = append(lines, strings.TrimRight(strings.ReplaceAll(string(row), "\x00", ""), " "))
	}
	return strings.Join(lines, "\n")
}

func (s *screen) put(t *testing.T, r rune) {
	t.Helper()
	wide := []rune{r}
	switch {
	case r == '\r':
		s.x = 0
		return
	case r == '\n':
		s.rows = append(s.rows, nil)
		return
	case r < ' ' || r >= 0x7f && r < 0xa0:
		t.Errorf("control character %q", r)
	case r >= 0x2e80: // all others of these tests are narrow
		wide = []rune{r, 0}
	}
	if s.columns > 0 && s.x+len(wide) > s.columns {
		s.rows, s.x = append(s.rows, nil), 0
	}
	row := &s.rows[len(s.rows)-1]
	for len(*row) < s.x+len(wide) {
		*row = append(*row, ' ')
	}
	copy((*row)[s.x:], wide)
	s.x += len(wide)
}

// The bar stays on one row of a real terminal of any width, also when the width changes
// between two writes, and lines go above it.
func TestTerminal(t *testing.T) {
	t.Parallel()
	const mib = 1 << 20
	tests := map[string]struct {
		columns int
		want    string
	}{
		"narrow":  {20, "[##..] 50%"},
		"usual":   {80, "[#########..........] 512 MiB of 1.0 GiB (50%), 100 MiB/s, 5s left"},
		"wide":    {200, "[####################....................] 512 MiB of 1.0 GiB (50%), 100 MiB/s, 5s left"},
		"half":    {40, "[####.....] 512 MiB of 1.0 GiB (50%)"},
		"tiny":    {5, "50%"},
		"tiniest": {3, ""},
		"one":     {1, ""},
		"unknown": {0, "[#########..........] 512 MiB of 1.0 GiB (50%), 100 MiB/s, 5s left"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newScreen(t, tt.columns)
			log := New(Options{Out: s.tty, Getenv: env(), Command: true, Columns: func() int {
				width, _, err := term.GetSize(int(s.tty.Fd()))
				if err != nil {
					t.Error(err)
				}
				return width
			}})
			half := func(columns int) string { return drawBar(columns, 512*mib, 1024*mib, 100*mib) }
			check := func(step string, want ...string) {
				t.Helper()
				if diff := cmp.Diff(strings.Join(want, "\n"), s.text(t)); diff != "" {
					t.Errorf("%s: %s", step, diff)
				}
			}
			log.setBar(half)
			check("the bar", tt.want)
			log.Infof("a")
			check("a line above it", "a", tt.want)
			log.setBar(func(columns int) string { return drawBar(columns, 1, 0, 0) })
			log.setBar(half)
			check("a shorter one in between", "a", tt.want)
			log.setBar(nil)
			check("removed", "a", "")
		})
	}
}

// Foreign names, even wider than the terminal, do not disturb the bar, and do not reach the
// terminal as control characters.
func TestTerminalNames(t *testing.T) {
	t.Parallel()
	s := newScreen(t, 20)
	log := New(Options{Out: s.tty, Getenv: env(), Command: true, Columns: func() int { return 20 }})
	log.setBar(func(columns int) string { return drawBar(columns, 1, 4, 0) })
	for _, name := range []string{"報告書📦", "一二三四五六七八九十甲乙", "\x1b[2J\x1b]0;x\a", "a\rb\u009bc\u202e"} {
		log.Infof("%s", name)
	}
	want := []string{
		"報告書📦",
		"一二三四五六七八九十", "甲乙",
		`\u001b[2J\u001b]0;x\`, `u0007`,
		`a\rb\u009bc\u202e`,
		"[#...] 25%",
	}
	if diff := cmp.Diff(strings.Join(want, "\n"), s.text(t)); diff != "" {
		t.Error(diff)
	}
}

// When the terminal's width changes, the next write fits the new one.
func TestTerminalResized(t *testing.T) {
	t.Parallel()
	bars := map[int]string{
		20:  "[#...] 25%",
		80:  "[####...............] 25 B of 100 B (25%), 5 B/s, 15s left",
		200: "[##########..............................] 25 B of 100 B (25%), 5 B/s, 15s left",
	}
	for _, widths := range [][]int{{80, 20, 200}, {200, 80, 20}, {20, 200, 80}, {20, 80, 20}} {
		s := newScreen(t, widths[0])
		log := New(Options{Out: s.tty, Getenv: env(), Command: true, Columns: func() int { return s.columns }})
		draw := func(columns int) string { return drawBar(columns, 25, 100, 5) }
		log.setBar(draw)
		var lines []string
		for i, columns := range widths {
			_ = s.text(t)
			s.resize(t, columns)
			if i%2 == 0 {
				log.setBar(draw)
			} else {
				log.Infof("resized")
				lines = append(lines, "resized")
			}
			if diff := cmp.Diff(strings.Join(slices.Concat(lines, []string{bars[columns]}), "\n"), s.text(t)); diff != "" {
				t.Errorf("%v, at %d: %s", widths, columns, diff)
			}
		}
	}
}
