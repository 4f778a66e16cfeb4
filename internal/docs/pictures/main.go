// Command pictures makes the pictures of the README from what the program really prints: the
// summary of a step, and a terminal in which the command runs. Both run against the
// simulator, and a headless browser draws what they print. With -inspect it also draws what
// is only to be looked at: the README, and the summaries of other steps.
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
	"github.com/yuin/goldmark/parser"
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
	flag.StringVar(&p.inspect, "inspect", "", "a directory for pictures that are only to be looked at")
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
type pictures struct{ exe, browser, xterm, out, inspect string }

func (p pictures) make(ctx context.Context) (err error) {
	dir, err := os.MkdirTemp("", "artifetch-pictures-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	sim := githubsim.New(githubsim.Options{})
	defer sim.Close()
	current := populate(sim)
	if err := p.summary(ctx, sim, current, dir, p.out, "summary", "INPUT_WORKFLOW=ci.yml"); err != nil {
		return err
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
	err = p.draw(ctx, dir, picture{to: p.out, name: "command", page: "command.html", width: 1080, height: 1200, scale: 2}, map[string]any{
		"Columns": columns, "Rows": rows, "Screen": base64.StdEncoding.EncodeToString(screen),
		"XTerm": template.JS(xterm), "Style": template.CSS(style), //nolint:gosec // of a package whose version is fixed
	})
	if err != nil || p.inspect == "" {
		return err
	}
	return p.toInspect(ctx, sim, current, dir)
}

// toInspect draws what is not kept.
func (p pictures) toInspect(ctx context.Context, sim *githubsim.Sim, current int64, dir string) error {
	if err := os.MkdirAll(p.inspect, 0o755); err != nil {
		return err
	}
	readme, err := os.ReadFile("README.md")
	if err != nil {
		return err
	}
	for name, inputs := range map[string][]string{
		"several": {"INPUT_WORKFLOW=ci.yml", "INPUT_RUNS=2"},
		"failure": {"INPUT_WORKFLOW=ci.yml", "INPUT_NAME=sites"},
		"merged":  {"INPUT_WORKFLOW=ci.yml", "INPUT_RUNS=2", "INPUT_MERGE-MULTIPLE=true"},
		"dry-run": {"INPUT_WORKFLOW=ci.yml", "INPUT_DRY-RUN=true", "INPUT_FILES=d1/**"},
		"inputs":  {"INPUT_RUN-ID=latest", "INPUT_MAX-SIZE=much"},
	} {
		if err := p.summary(ctx, sim, current, dir, p.inspect, "summary-"+name, inputs...); err != nil {
			return err
		}
	}
	return p.markdown(ctx, dir, picture{to: p.inspect, name: "readme", width: 1000, height: 9000, scale: 1}, "README.md", readme)
}

// summary draws the summary of a step.
func (p pictures) summary(ctx context.Context, sim *githubsim.Sim, current int64, dir, to, name string, inputs ...string) error {
	text, err := p.step(ctx, sim, current, dir, inputs...)
	if err != nil {
		return err
	}
	return p.markdown(ctx, dir, picture{to: to, name: name, width: 1000, height: 1200, scale: 2}, "deploy summary", text)
}

// markdown draws a text as GitHub shows it, in its light theme and in its dark one, with all
// that can be unfolded.
func (p pictures) markdown(ctx context.Context, dir string, pic picture, title string, text []byte) error {
	var b strings.Builder
	md := goldmark.New(goldmark.WithExtensions(extension.GFM), goldmark.WithParserOptions(parser.WithAutoHeadingID()), goldmark.WithRendererOptions(html.WithUnsafe()))
	if err := md.Convert(text, &b); err != nil {
		return err
	}
	here, err := os.Getwd()
	if err != nil {
		return err
	}
	pic.page = "markdown.html"
	name := pic.name
	for _, theme := range []string{"light", "dark"} {
		pic.name, pic.dark = name+"-"+theme, theme == "dark"
		data := map[string]any{
			"Theme": theme, "Title": title, "Base": template.URL("file://" + here + "/"), //nolint:gosec // our own directory
			"Text": template.HTML(strings.ReplaceAll(b.String(), "<details>", "<details open>")), //nolint:gosec // the program escapes what is not its own
		}
		if err := p.draw(ctx, dir, pic, data); err != nil {
			return err
		}
	}
	return nil
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
	add(50*time.Hour, githubsim.Run{Workflow: ci, ID: 19259912877, Number: 1840, Title: "A new logo"},
		githubsim.Artifact{Name: "site", Blob: githubsim.BigZip(1100, 48<<10, 4)})
	add(26*time.Hour, githubsim.Run{Workflow: ci, ID: 19265443012, Number: 1841, Title: "Add the checkout page"},
		githubsim.Artifact{Name: "site", Blob: githubsim.BigZip(1200, 48<<10, 1)},
		githubsim.Artifact{Name: "api-reference", Blob: githubsim.BigZip(310, 9<<10, 2)},
		githubsim.Artifact{Name: "coverage", Blob: githubsim.BigZip(12, 4<<10, 3)})
	add(3*time.Hour, githubsim.Run{Workflow: ci, ID: 19271029377, Number: 1842, Title: "Half a feature", Conclusion: "failure"},
		githubsim.Artifact{Name: "site"})
	sim.Fault(githubsim.Fault{Host: githubsim.Storage, Times: -1, BytesPerSecond: 12 << 20, FirstByte: 20 * time.Millisecond})
	return add(0, githubsim.Run{Workflow: deploy, ID: 19274118820, Number: 77, Title: "Deploy", Status: "in_progress"}).ID
}

// step runs a step, which may fail, and returns its summary.
func (p pictures) step(ctx context.Context, sim *githubsim.Sim, run int64, parent string, inputs ...string) ([]byte, error) {
	dir, err := os.MkdirTemp(parent, "step-")
	if err != nil {
		return nil, err
	}
	for _, sub := range []string{"workspace", "temp", "home"} {
		if err := os.Mkdir(filepath.Join(dir, sub), 0o755); err != nil {
			return nil, err
		}
	}
	file := filepath.Join(dir, "summary.md")
	cmd := exec.CommandContext(ctx, p.exe) //nolint:gosec // the caller names it
	cmd.Env = []string{
		"GITHUB_ACTIONS=true", "GITHUB_API_URL=" + sim.APIURL, "GITHUB_REPOSITORY=octo/shop", fmt.Sprintf("GITHUB_RUN_ID=%d", run),
		"GITHUB_WORKFLOW_REF=octo/shop/.github/workflows/deploy.yml@refs/heads/main", "GITHUB_EVENT_NAME=push",
		"GITHUB_WORKSPACE=" + filepath.Join(dir, "workspace"), "RUNNER_TEMP=" + filepath.Join(dir, "temp"), "HOME=" + filepath.Join(dir, "home"),
		"GITHUB_OUTPUT=" + filepath.Join(dir, "output"), "GITHUB_STEP_SUMMARY=" + file,
		"INPUT_GITHUB-TOKEN=ghs_picture", "INPUT_REPOSITORY=octo/shop", "INPUT_PATH=public",
	}
	cmd.Env = append(cmd.Env, inputs...)
	log, failed := cmd.CombinedOutput()
	summary, err := os.ReadFile(file) //nolint:gosec // of our own directory
	if err != nil {
		return nil, fmt.Errorf("%w\n%s", errors.Join(err, failed), log)
	}
	return summary, nil
}

// terminal runs the command in a terminal, and returns what reaches its screen.
func (p pictures) terminal(ctx context.Context, sim *githubsim.Sim, dir string) ([]byte, error) {
	args := []string{"-R", "octo/shop", "--workflow", "ci.yml", "-n", "site", "-D", "public"}
	cmd := exec.CommandContext(ctx, p.exe, args...) //nolint:gosec // the caller names it
	const shown = "/home/octo/shop"                 // in place of the temporary directory
	cmd.Dir = filepath.Join(dir, "shop")
	if err := os.Mkdir(cmd.Dir, 0o755); err != nil {
		return nil, err
	}
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

// picture is a picture to draw.
type picture struct {
	to, name      string // the directory and the file's name, without its ending
	page          string // the template
	width, height int    // at most, in pixels of the page
	scale         int    // pixels of the picture for each of these
	dark          bool   // the theme that the browser's user prefers
}

// draw makes a picture of a page: without the empty rows at its end.
func (p pictures) draw(ctx context.Context, dir string, pic picture, data any) error {
	page, drawn := filepath.Join(dir, pic.name+".html"), filepath.Join(dir, pic.name+".png")
	var text bytes.Buffer
	if err := template.Must(template.ParseFS(pages, "*.html")).ExecuteTemplate(&text, pic.page, data); err != nil {
		return err
	}
	if err := os.WriteFile(page, text.Bytes(), 0o600); err != nil {
		return err
	}
	scheme := map[bool]string{true: "0", false: "1"}[pic.dark] // of Blink's PreferredColorScheme
	args := []string{
		"--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", fmt.Sprintf("--force-device-scale-factor=%d", pic.scale), "--virtual-time-budget=5000",
		"--blink-settings=preferredColorScheme=" + scheme, "--user-data-dir=" + filepath.Join(dir, "browser"),
		fmt.Sprintf("--window-size=%d,%d", pic.width, pic.height), "--screenshot=" + drawn, "file://" + page,
	}
	if log, err := exec.CommandContext(ctx, p.browser, args...).CombinedOutput(); err != nil { //nolint:gosec // the caller names it
		return fmt.Errorf("%w\n%s", err, log)
	}
	return crop(drawn, filepath.Join(pic.to, pic.name+".png"))
}

// crop copies a picture without the rows at its end that have one color, except for a margin.
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
