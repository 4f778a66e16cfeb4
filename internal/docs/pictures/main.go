// Command pictures makes the pictures of the README from what the program really prints: the
// summary of a step, and a terminal in which the command runs. Both run against the
// simulator, and a headless browser draws what they print.
package main

import (
	"bytes"
	"context"
	"embed"
	"encoding/base64"
	"errors"
	"flag"
	"fmt"
	"html/template"
	"image"
	"image/color"
	"image/png"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"time"

	"github.com/creack/pty"
	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/extension"
	"github.com/yuin/goldmark/renderer/html"

	"github.com/artifetch/artifetch/internal/githubsim"
)

// The size of the terminal, in characters.
const columns, rows = 120, 40

func main() {
	var p pictures
	flag.StringVar(&p.exe, "exe", "", "the program artifetch")
	flag.StringVar(&p.browser, "browser", "chromium", "a headless browser of the Chromium family")
	flag.StringVar(&p.xterm, "xterm", "", "the directory of the npm package @xterm/xterm")
	flag.StringVar(&p.out, "out", "docs", "the directory for the pictures")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	err := p.make(ctx)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "pictures:", err)
		os.Exit(1)
	}
}

// pictures are where things are.
type pictures struct{ exe, browser, xterm, out string }

func (p pictures) make(ctx context.Context) (err error) {
	dir, err := os.MkdirTemp("", "artifetch-pictures-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	sim := githubsim.New(githubsim.Options{})
	defer sim.Close()
	current := populate(sim)
	summary, err := p.step(ctx, sim, current, dir)
	if err != nil {
		return err
	}
	for _, theme := range []string{"light", "dark"} {
		if err := p.draw(ctx, dir, "summary-"+theme, 1000, map[string]any{"Theme": theme, "Summary": template.HTML(summary)}); err != nil { //nolint:gosec // the program escapes what is not its own
			return err
		}
	}
	screen, err := p.terminal(ctx, sim, dir)
	if err != nil {
		return err
	}
	xterm, err := os.ReadFile(filepath.Join(p.xterm, "lib", "xterm.js"))
	if err != nil {
		return err
	}
	style, err := os.ReadFile(filepath.Join(p.xterm, "css", "xterm.css"))
	if err != nil {
		return err
	}
	return p.draw(ctx, dir, "command", 1080, map[string]any{
		"Columns": columns, "Rows": rows, "Screen": base64.StdEncoding.EncodeToString(screen),
		"XTerm": template.JS(xterm), "Style": template.CSS(style), //nolint:gosec // of a package whose version is fixed
	})
}

// populate gives octo/shop a history, and returns the id of the run in progress.
func populate(sim *githubsim.Sim) int64 {
	const repo = "octo/shop"
	sim.AddToken("ghs_picture", repo, githubsim.Read)
	shop := sim.AddRepo(repo)
	ci := shop.AddWorkflow("CI", ".github/workflows/ci.yml")
	deploy := shop.AddWorkflow("Deploy", ".github/workflows/deploy.yml")
	now := time.Now()
	add := func(ago time.Duration, r githubsim.Run, artifacts ...githubsim.Artifact) *githubsim.Run {
		r.CreatedAt = now.Add(-ago)
		run := shop.AddRun(r)
		for _, a := range artifacts {
			run.AddArtifact(a)
		}
		return run
	}
	add(26*time.Hour, githubsim.Run{Workflow: ci, ID: 19265443012, Number: 1841, Title: "Add the checkout page"},
		githubsim.Artifact{Name: "site", Blob: githubsim.BigZip(1200, 48<<10, 1)},
		githubsim.Artifact{Name: "api-reference", Blob: githubsim.BigZip(310, 9<<10, 2)},
		githubsim.Artifact{Name: "coverage", Blob: githubsim.BigZip(12, 4<<10, 3)})
	add(3*time.Hour, githubsim.Run{Workflow: ci, ID: 19271029377, Number: 1842, Title: "Half a feature", Conclusion: "failure"},
		githubsim.Artifact{Name: "site"})
	sim.Fault(githubsim.Fault{Host: githubsim.Storage, Times: -1, BytesPerSecond: 12 << 20, FirstByte: 20 * time.Millisecond})
	return add(0, githubsim.Run{Workflow: deploy, ID: 19274118820, Number: 77, Title: "Deploy", Status: "in_progress"}).ID
}

// step runs a step, and returns its summary in HTML.
func (p pictures) step(ctx context.Context, sim *githubsim.Sim, run int64, dir string) (string, error) {
	for _, sub := range []string{"workspace", "temp", "home"} {
		if err := os.Mkdir(filepath.Join(dir, sub), 0o755); err != nil {
			return "", err
		}
	}
	file := filepath.Join(dir, "summary.md")
	cmd := exec.CommandContext(ctx, p.exe) //nolint:gosec // the caller names it
	cmd.Env = []string{
		"GITHUB_ACTIONS=true", "GITHUB_API_URL=" + sim.APIURL, "GITHUB_REPOSITORY=octo/shop", fmt.Sprintf("GITHUB_RUN_ID=%d", run),
		"GITHUB_WORKFLOW_REF=octo/shop/.github/workflows/deploy.yml@refs/heads/main", "GITHUB_EVENT_NAME=push",
		"GITHUB_WORKSPACE=" + filepath.Join(dir, "workspace"), "RUNNER_TEMP=" + filepath.Join(dir, "temp"), "HOME=" + filepath.Join(dir, "home"),
		"GITHUB_OUTPUT=" + filepath.Join(dir, "output"), "GITHUB_STEP_SUMMARY=" + file,
		"INPUT_GITHUB-TOKEN=ghs_picture", "INPUT_REPOSITORY=octo/shop", "INPUT_WORKFLOW=ci.yml", "INPUT_PATH=public",
	}
	if log, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("%w\n%s", err, log)
	}
	markdown, err := os.ReadFile(file) //nolint:gosec // of our own directory
	if err != nil {
		return "", err
	}
	var b strings.Builder
	md := goldmark.New(goldmark.WithExtensions(extension.GFM), goldmark.WithRendererOptions(html.WithUnsafe()))
	err = md.Convert(markdown, &b)
	return b.String(), err
}

// terminal runs the command in a terminal, and returns what reaches its screen.
func (p pictures) terminal(ctx context.Context, sim *githubsim.Sim, dir string) ([]byte, error) {
	args := []string{"-R", "octo/shop", "--workflow", "ci.yml", "-n", "site", "-D", "public"}
	cmd := exec.CommandContext(ctx, p.exe, args...) //nolint:gosec // the caller names it
	const shown = "/home/octo/shop"                 // in place of the temporary directory
	cmd.Dir = filepath.Join(dir, "home")
	cmd.Env = []string{"TERM=xterm-256color", "GITHUB_API_URL=" + sim.APIURL, "GITHUB_TOKEN=ghs_picture", "HOME=" + cmd.Dir}
	tty, err := pty.StartWithSize(cmd, &pty.Winsize{Cols: columns, Rows: rows})
	if err != nil {
		return nil, err
	}
	var screen bytes.Buffer
	fmt.Fprintf(&screen, "\x1b[32m$\x1b[0m artifetch %s\r\n", strings.Join(args, " "))
	_, _ = io.Copy(&screen, tty) // ends with an error when the program closes the terminal
	return bytes.ReplaceAll(screen.Bytes(), []byte(cmd.Dir), []byte(shown)), errors.Join(cmd.Wait(), tty.Close())
}

//go:embed *.html
var pages embed.FS

// draw makes a picture of a page: without the empty rows at its end.
func (p pictures) draw(ctx context.Context, dir, name string, width int, data any) error {
	page, picture := filepath.Join(dir, name+".html"), filepath.Join(dir, name+".png")
	kind, _, _ := strings.Cut(name, "-")
	var text bytes.Buffer
	if err := template.Must(template.ParseFS(pages, "*.html")).ExecuteTemplate(&text, kind+".html", data); err != nil {
		return err
	}
	if err := os.WriteFile(page, text.Bytes(), 0o600); err != nil {
		return err
	}
	args := []string{
		"--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--force-device-scale-factor=2", "--virtual-time-budget=5000",
		"--user-data-dir=" + filepath.Join(dir, "browser"), fmt.Sprintf("--window-size=%d,1200", width), "--screenshot=" + picture, "file://" + page,
	}
	if log, err := exec.CommandContext(ctx, p.browser, args...).CombinedOutput(); err != nil { //nolint:gosec // the caller names it
		return fmt.Errorf("%w\n%s", err, log)
	}
	return crop(picture, filepath.Join(p.out, name+".png"))
}

// crop copies a picture without the rows at its end that have one color, but for a margin.
func crop(from, to string) (err error) {
	f, err := os.Open(from) //nolint:gosec // of our own directory
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	img, err := png.Decode(f)
	if err != nil {
		return err
	}
	const margin = 32
	bounds := img.Bounds()
	end := bounds.Max.Y
	for end > bounds.Min.Y && plain(img, end-1) {
		end--
	}
	bounds.Max.Y = min(end+margin, bounds.Max.Y)
	part, ok := img.(interface {
		SubImage(r image.Rectangle) image.Image
	})
	if !ok {
		return fmt.Errorf("%s cannot be cut", from)
	}
	var out bytes.Buffer
	if err := (&png.Encoder{CompressionLevel: png.BestCompression}).Encode(&out, part.SubImage(bounds)); err != nil {
		return err
	}
	return os.WriteFile(to, out.Bytes(), 0o644)
}

// plain reports whether a row has the color of the picture's last corner everywhere.
func plain(img image.Image, y int) bool {
	b := img.Bounds()
	want := color.RGBAModel.Convert(img.At(b.Max.X-1, b.Max.Y-1))
	for x := b.Min.X; x < b.Max.X; x++ {
		if color.RGBAModel.Convert(img.At(x, y)) != want {
			return false
		}
	}
	return true
}
