package main

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"cmp"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/artifetch/artifetch/internal/githubsim"
)

const token = "ghs_bench"

// scene is a world with the servers that serve it.
type scene struct {
	world world
	sim   *githubsim.Sim
	proxy *httptest.Server // to the API
	run   int64
	older int64 // another run, which a diff compares
	ids   []int64
	size  uint64 // of all zips
}

func newScene(w world) *scene {
	opt := githubsim.Options{URLLifetime: time.Hour, RateLimit: 1e6, Gzip: w.fromAPI != 0}
	if w.far {
		opt.TLS, opt.APIRoundTrip, opt.StorageRoundTrip = true, 100*time.Millisecond, 30*time.Millisecond
	}
	s := &scene{world: w, sim: githubsim.New(opt)}
	s.sim.AddToken(token, "octo/app", githubsim.Read)
	repo := s.sim.AddRepo("octo/app")
	ci := repo.AddWorkflow("CI", ".github/workflows/ci.yml")
	run := repo.AddRun(githubsim.Run{Workflow: ci, CreatedAt: time.Now().AddDate(0, 0, -2)})
	s.run = run.ID
	blob := w.blob()
	for i := range w.artifacts {
		a := run.AddArtifact(githubsim.Artifact{Name: fmt.Sprintf("dist-%d", i), Blob: blob})
		s.ids = append(s.ids, a.ID)
		s.size += uint64(max(blob.Size(), 0))
	}
	if w.verb == "diff" {
		older := repo.AddRun(githubsim.Run{Workflow: ci, CreatedAt: time.Now().AddDate(0, 0, -3)})
		older.AddArtifact(githubsim.Artifact{Name: "dist-0", Blob: githubsim.BigZip(w.files, w.size, 2)})
		s.older = older.ID
	}
	for range w.back {
		repo.AddRun(githubsim.Run{Workflow: ci}).AddArtifact(githubsim.Artifact{Name: "other", Blob: githubsim.Bytes(nil), NoDigest: true})
	}
	for _, f := range w.faults {
		f.Host, f.BytesPerSecond, f.FirstByte = githubsim.Storage, cmp.Or(f.BytesPerSecond, w.bandwidth), cmp.Or(f.FirstByte, w.storage)
		s.sim.Fault(f)
	}
	if w.bandwidth != 0 || w.storage != 0 {
		s.sim.Fault(githubsim.Fault{Host: githubsim.Storage, Times: -1, BytesPerSecond: w.bandwidth, FirstByte: w.storage})
	}
	if w.api != 0 || w.fromAPI != 0 {
		s.sim.Fault(githubsim.Fault{Host: githubsim.API, Times: -1, FirstByte: w.api, BytesPerSecond: w.fromAPI})
	}
	api, err := url.Parse(s.sim.APIURL)
	if err != nil {
		panic(err) // the simulator made it
	}
	s.proxy = httptest.NewServer(&httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) {
			r.Out.URL.Scheme, r.Out.URL.Host, r.Out.Host = api.Scheme, api.Host, api.Host
		},
		ModifyResponse: s.rename,
	})
	return s
}

// blob returns the zip of an artifact.
func (w world) blob() githubsim.Blob {
	if w.zip != nil {
		return w.zip
	}
	switch {
	case w.names == nil:
		return githubsim.BigZip(w.files, w.size, 1)
	case w.size > 0:
		return githubsim.NamedBigZip(w.files, w.size, 1, w.names)
	}
	var buf bytes.Buffer
	z := zip.NewWriter(&buf)
	var err error
	if w.tar {
		err = w.writeTar(z)
	} else {
		buf.Grow(w.files * (200 + 2*len(w.names(0)))) // copying gigabytes while it grows would take long
		err = w.writeFiles(z)
	}
	if err = errors.Join(err, z.Close()); err != nil {
		panic(err) // a Buffer does not fail
	}
	return githubsim.Bytes(buf.Bytes())
}

// tiny is the content of a tiny file.
const tiny = "content\n"

func (w world) writeFiles(z *zip.Writer) error {
	for i := range w.files {
		f, err := z.Create(w.names(i))
		if err == nil {
			_, err = io.WriteString(f, tiny)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// writeTar adds a compressed tar of the files.
func (w world) writeTar(z *zip.Writer) error {
	f, err := z.CreateHeader(&zip.FileHeader{Name: "files.tar.gz"}) // stored
	if err != nil {
		return err
	}
	packed, err := gzip.NewWriterLevel(f, gzip.BestSpeed)
	if err != nil {
		return err
	}
	t := tar.NewWriter(packed)
	for i := range w.files {
		err := t.WriteHeader(&tar.Header{Name: w.names(i), Size: int64(len(tiny)), Mode: 0o644})
		if err == nil {
			_, err = io.WriteString(t, tiny)
		}
		if err != nil {
			return err
		}
	}
	return errors.Join(t.Close(), packed.Close())
}

// rename makes the API's own URLs lead through the proxy, too.
func (s *scene) rename(res *http.Response) error {
	text, err := io.ReadAll(res.Body)
	if err != nil {
		return err
	}
	text = bytes.ReplaceAll(text, []byte(s.sim.APIURL), []byte("http://api.github.localhost"))
	res.Body, res.ContentLength = io.NopCloser(bytes.NewReader(text)), int64(len(text))
	res.Header.Set("Content-Length", strconv.Itoa(len(text)))
	return nil
}

func (s *scene) close() {
	s.proxy.Close()
	s.sim.Close()
}

// args returns the arguments of artifetch.
func (s *scene) args() []string {
	switch s.world.verb {
	case "cat":
		return []string{"cat", s.world.only, "--artifact-ids", fmt.Sprint(s.ids[0]), "--repository", "octo/app"}
	case "diff":
		return []string{"diff", fmt.Sprint(s.older), fmt.Sprint(s.run), "--repository", "octo/app"}
	}
	what := []string{"--run-id", fmt.Sprint(s.run)}
	switch {
	case s.world.back > 0:
		what = []string{"--name", "dist-0"}
	case len(s.ids) == 1 && !s.world.byRun:
		what = []string{"--artifact-ids", fmt.Sprint(s.ids[0])}
	}
	if s.world.only != "" {
		what = append(what, "--files", s.world.only)
	}
	if s.world.connections != 0 {
		what = append(what, "--concurrency", fmt.Sprint(s.world.connections))
	}
	return append(what, "--repository", "octo/app", "--path", ".")
}

func (s *scene) env(out string) ([]string, error) {
	ids := strings.Trim(fmt.Sprint(s.ids), "[]")
	env := append(os.Environ(),
		"GITHUB_TOKEN="+token, "GITHUB_API_URL="+s.sim.APIURL, "GITHUB_REPOSITORY=octo/app", "RUN_ID="+fmt.Sprint(s.run),
		"ARTIFACT_IDS="+ids, "OUT="+out, "HTTP_PROXY="+s.proxy.URL,
		"ARGS="+strings.Join(s.args(), " "))
	if s.world.far {
		ca := out + ".pem"
		if err := os.WriteFile(ca, s.sim.CA(), 0o644); err != nil {
			return nil, err
		}
		env = append(env, "SSL_CERT_FILE="+ca)
	}
	if s.world.connections > 0 {
		env = append(env, "CONCURRENCY="+fmt.Sprint(s.world.connections))
	}
	if s.world.cores > 0 {
		env = append(env, "GOMAXPROCS="+fmt.Sprint(s.world.cores))
	}
	return env, nil
}

// plain is the reference: one GET for each artifact, then archive/zip.
func (s *scene) plain(ctx context.Context, out string) error {
	for _, id := range s.ids {
		if err := s.plainOne(ctx, id, filepath.Join(out, fmt.Sprint(id))); err != nil {
			return err
		}
	}
	return nil
}

func (s *scene) plainOne(ctx context.Context, id int64, out string) (err error) {
	res, err := download(ctx, fmt.Sprintf("%s/repos/octo/app/actions/artifacts/%d/zip", s.sim.APIURL, id))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, res.Body.Close()) }()
	if err := os.Mkdir(out, 0o755); err != nil {
		return err
	}
	spool, err := os.Create(filepath.Join(out, "spool.zip"))
	if err != nil {
		return err
	}
	size, err := io.Copy(spool, res.Body)
	if err != nil {
		return errors.Join(err, spool.Close())
	}
	return errors.Join(unzip(spool, size, out), spool.Close(), os.Remove(spool.Name()))
}

// get is the reference for a single connection: one GET, whose bytes are discarded.
func (s *scene) get(ctx context.Context, _ string) (err error) {
	res, err := download(ctx, fmt.Sprintf("%s/repos/octo/app/actions/artifacts/%d/zip", s.sim.APIURL, s.ids[0]))
	if err != nil {
		return err
	}
	_, err = io.Copy(io.Discard, res.Body)
	return errors.Join(err, res.Body.Close())
}

// download requests an artifact and follows the API's redirect, without the token. The caller
// closes the answer's body.
func download(ctx context.Context, from string) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, from, nil)
	if err != nil {
		return nil, err
	}
	req.Header.Set("Authorization", "Bearer "+token)
	client := http.Client{CheckRedirect: func(next *http.Request, _ []*http.Request) error {
		next.Header.Del("Authorization")
		return nil
	}}
	res, err := client.Do(req)
	if err == nil && res.StatusCode != http.StatusOK {
		return nil, errors.Join(fmt.Errorf("the answer is %s", res.Status), res.Body.Close())
	}
	return res, err
}

func unzip(r io.ReaderAt, size int64, out string) error {
	z, err := zip.NewReader(r, size)
	if err != nil {
		return err
	}
	for _, f := range z.File {
		if err := unzipFile(f, filepath.Join(out, filepath.FromSlash(f.Name))); err != nil {
			return err
		}
	}
	return nil
}

func unzipFile(f *zip.File, to string) error {
	if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
		return err
	}
	r, err := f.Open()
	if err != nil {
		return err
	}
	w, err := os.Create(to)
	if err != nil {
		return errors.Join(err, r.Close())
	}
	_, err = io.Copy(w, r) //nolint:gosec // the bench made the archive
	return errors.Join(err, w.Close(), r.Close())
}
