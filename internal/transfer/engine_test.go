package transfer

import (
	"archive/zip"
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/artifetch/artifetch/internal/artifact"
	"github.com/artifetch/artifetch/internal/spool"
	"github.com/artifetch/artifetch/internal/unpack"
)

// store is an Origin and its storage: a web server that has a blob for each id.
type store struct {
	*httptest.Server

	mu      sync.Mutex
	blobs   map[int64][]byte
	expired map[int64]bool
	deleted map[int64]bool
	asked   map[int64]int // for URLs
}

func newStore(t *testing.T, blobs map[int64][]byte) *store {
	t.Helper()
	s := &store{blobs: blobs, expired: map[int64]bool{}, deleted: map[int64]bool{}, asked: map[int64]int{}}
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var id int64
		if _, err := fmt.Sscan(path.Base(r.URL.Path), &id); err != nil {
			t.Error(err)
		}
		s.mu.Lock()
		blob := s.blobs[id]
		s.mu.Unlock()
		if unpack.Formats.ByHead(blob) == nil {
			w.Header().Set("Content-Type", "text/plain")
			w.Header().Set("Content-Disposition", `attachment; filename="raw.txt"`)
		}
		w.Header().Set("ETag", fmt.Sprintf(`"%d"`, len(blob)))
		http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(blob))
	}))
	t.Cleanup(s.Close)
	return s
}

func (s *store) DownloadURL(_ context.Context, repo artifact.Repo, id int64) (*url.URL, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.asked[id]++
	if s.expired[id] {
		return nil, fmt.Errorf("artifact %d of %s: %w", id, repo, artifact.ErrExpired)
	}
	if s.deleted[id] {
		return nil, fmt.Errorf("artifact %d of %s: %w", id, repo, artifact.ErrNotFound)
	}
	return url.Parse(fmt.Sprintf("%s/%d", s.URL, id))
}

// chosen returns an artifact with the digest of its blob.
func (s *store) chosen(id int64, name string) artifact.Item {
	return artifact.Item{Artifact: artifact.Artifact{
		ID: id, Name: name, Repo: artifact.Repo{Owner: "o", Name: "r"}, Size: int64(len(s.blobs[id])),
		Digest: fmt.Sprintf("sha256:%x", sha256.Sum256(s.blobs[id])),
	}}
}

func zipOf(t *testing.T, names ...string) []byte {
	t.Helper()
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	for _, name := range names {
		f, err := w.Create(name)
		if err == nil {
			_, err = f.Write([]byte(name))
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// heard collects the events of an engine.
type heard struct {
	mu     sync.Mutex
	events []Event
	bytes  int64
}

func (h *heard) notify(e Event) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.events = append(h.events, e)
}

func (h *heard) Add(n int64) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.bytes += n
}

func (h *heard) Stop() {}

func (s *store) engine(h *heard, change func(*Options)) *Engine {
	opt := Options{
		Origin: s, Client: s.Client(), Notify: h.notify, Progress: func(int64) Progress { return h }, MaxFiles: 100,
	}
	change(&opt)
	return New(opt)
}

// tree lists the files below a directory of a sink.
func (s sink) tree(t *testing.T, dir string) []string {
	t.Helper()
	var names []string
	err := fs.WalkDir(s.root.FS(), dir, func(p string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			names = append(names, strings.TrimPrefix(p, dir+"/"))
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return names
}

func stageAt(s sink) Stage {
	return Stage{Sink: s, Quota: spool.NewQuota("/out", func() (int64, error) { return 1 << 20, nil })}
}

// An Engine needs no forge: an Origin that gives URLs, and a Sink.
func TestFetch(t *testing.T) {
	t.Parallel()
	s := newStore(t, map[int64][]byte{1: zipOf(t, "a.txt", "d/b.so"), 2: []byte("raw")})
	for name, tt := range map[string]struct {
		change func(*Options)
		trees  [2]string
		to     [2]string
		states [2]DigestState
	}{
		"all": {func(*Options) {}, [2]string{"a.txt d/b.so", "raw.txt"}, [2]string{"one", "two"}, [2]DigestState{DigestVerified, DigestVerified}},
		"kept": {func(o *Options) { o.KeepArchives = true }, [2]string{"one.zip", "raw.txt"}, [2]string{"one/one.zip", "two/raw.txt"},
			[2]DigestState{DigestVerified, DigestVerified}},
		"kept, flat": {func(o *Options) { o.KeepArchives, o.NameByArtifact, o.Layout.Straight = true, true, true }, [2]string{"one.zip", "raw.txt"}, [2]string{"one.zip", "raw.txt"},
			[2]DigestState{DigestVerified, DigestVerified}},
		"some": {func(o *Options) { o.Files = []string{"**/*.so"} }, [2]string{"d/b.so", ""}, [2]string{"one", "two"}, [2]DigestState{DigestVerified, DigestUnchecked}}, // so little came whole,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var h heard
			e, into := s.engine(&h, tt.change), newSink(t)
			items, err := e.Items([]artifact.Item{s.chosen(1, "one"), s.chosen(2, "two")}, nil)
			if err == nil {
				err = e.Fetch(t.Context(), stageAt(into), items)
			}
			if err != nil {
				t.Fatal(err)
			}
			var wire int64
			for i, item := range items {
				if tree := strings.Join(into.tree(t, item.Tree), " "); tree != tt.trees[i] || !item.Fetched() || item.Files != len(strings.Fields(tree)) {
					t.Errorf("%s has %q, %d files", item.Artifact.Name, tree, item.Files)
				}
				if item.To != tt.to[i] || item.Digest != tt.states[i] || !item.NoLinks && item.Files > 0 {
					t.Errorf("%+v", item)
				}
				wire += item.Wire
			}
			if wire != h.bytes || len(h.events) > 0 {
				t.Errorf("%d bytes, but the progress has %d; events: %v", wire, h.bytes, h.events)
			}
			top, err := fs.ReadDir(into.root.FS(), ".")
			if err != nil || len(top) != len(items) {
				t.Errorf("in the sink: %v, %v", top, err)
			}
		})
	}
}

// Oddities are events or typed errors.
func TestEvents(t *testing.T) {
	t.Parallel()
	s := newStore(t, map[int64][]byte{1: zipOf(t, "a", "A", "b", "B", "c", "c")})
	differs, unknown := s.chosen(1, "one"), s.chosen(1, "one")
	got, zeros := strings.TrimPrefix(differs.Artifact.Digest, "sha256:"), strings.Repeat("0", 64)
	differs.Artifact.Digest, unknown.Artifact.Digest = "sha256:"+zeros, "blake3:0"
	wrong := &DigestError{Name: "one", Want: zeros, Got: got}
	for name, tt := range map[string]struct {
		item  artifact.Item
		allow bool
		event Event // besides those about names
		state DigestState
		fails bool
	}{
		"a digest that differs":  {item: differs, fails: true},
		"one that is allowed to": {item: differs, allow: true, state: DigestMismatch, event: Mismatch{Err: wrong}},
		"one of an unknown kind": {item: unknown, state: DigestUnknown, event: UnknownDigest{Artifact: unknown.Artifact}},
		"one that is right":      {item: s.chosen(1, "one"), state: DigestVerified},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			want := []Event{
				CaseCollisions{Artifact: tt.item.Artifact, Pairs: [][2]string{{"a", "A"}, {"b", "B"}}},
				ReplacedEntries{Artifact: tt.item.Artifact, Files: 1},
			}
			if tt.event != nil {
				want = append(want, tt.event)
			}
			var h heard
			e := s.engine(&h, func(o *Options) { o.AllowMismatch = tt.allow })
			items := []Item{{Item: tt.item}}
			err := e.Fetch(t.Context(), stageAt(newSink(t)), items)
			if failed, ok := errors.AsType[*DigestError](err); ok != tt.fails || ok && *failed != *wrong || !ok && err != nil {
				t.Error(err)
			}
			if items[0].Digest != tt.state {
				t.Errorf("its digest is in state %d", items[0].Digest)
			}
			if diff := cmp.Diff(want, h.events); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// Artifacts that were fetched before another one turned out to have expired are not
// fetched again. Artifacts that the next Fetch does not ask for are removed.
func TestFetchAgain(t *testing.T) {
	t.Parallel()
	s := newStore(t, map[int64][]byte{1: zipOf(t, "a"), 2: zipOf(t, "b"), 3: zipOf(t, "c"), 4: zipOf(t, "d")})
	s.expired[3], s.deleted[5] = true, true
	var h heard
	e, into := s.engine(&h, func(o *Options) { o.Concurrency = 1 }), newSink(t)
	stage := stageAt(into)
	fetch := func(ids ...int64) ([]Item, error) {
		var chosen []artifact.Item
		for _, id := range ids {
			chosen = append(chosen, s.chosen(id, fmt.Sprint("n", id)))
		}
		items, err := e.Items(chosen, chosen)
		if err != nil {
			t.Fatal(err)
		}
		return items, e.Fetch(t.Context(), stage, items)
	}
	items, err := fetch(1, 2, 3)
	var expired *ExpiredError
	if !errors.As(err, &expired) || expired.ID != 3 || !items[0].Fetched() || items[2].Fetched() {
		t.Fatalf("%v, %+v", err, items)
	}
	dropped := items[0].Tree
	if items, err = fetch(2, 4); err != nil || s.asked[1] != 1 || s.asked[2] != 1 || s.asked[4] != 1 {
		t.Errorf("%v, asked %v", err, s.asked)
	}
	if _, err := into.root.Stat(dropped); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("what is not asked for any more: %v", err)
	}
	if got := into.tree(t, items[0].Tree); !slices.Equal(got, []string{"b"}) {
		t.Errorf("what was brought before: %q", got)
	}
	gone, err := e.Expired(t.Context(), []artifact.Artifact{{ID: 1}, {ID: 3}, {ID: 5}})
	if err != nil || !slices.Equal(gone, []int64{3, 5}) {
		t.Errorf("expired: %v, %v", gone, err)
	}
}

// If files cannot be moved to their place, the artifact is refused before they are
// fetched.
func TestCheckFile(t *testing.T) {
	t.Parallel()
	s := newStore(t, map[int64][]byte{1: zipOf(t, "a", "cache/b")})
	mount := errors.New("a mount")
	var h heard
	e, into := s.engine(&h, func(*Options) {}), newSink(t)
	stage := stageAt(into)
	stage.CheckFile = func(name string) error {
		if name == "one/cache/b" {
			return mount
		}
		return nil
	}
	items, err := e.Items([]artifact.Item{s.chosen(1, "one")}, nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := e.Fetch(t.Context(), stage, items); !errors.Is(err, mount) || h.bytes != 0 {
		t.Errorf("%v, progress %d", err, h.bytes)
	}
	if top, err := fs.ReadDir(into.root.FS(), "."); err != nil || len(top) > 0 {
		t.Errorf("in the sink: %v, %v", top, err)
	}
}

func TestList(t *testing.T) {
	t.Parallel()
	s := newStore(t, map[int64][]byte{1: zipOf(t, "a.txt", "b.so"), 2: zipOf(t, "c")})
	var h heard
	for files, want := range map[string][]int{"": nil, "*.so": {1, 0}, "*": {2, 1}, "none": {0, 0}} {
		e := s.engine(&h, func(o *Options) {
			if files != "" {
				o.Files = []string{files}
			}
		})
		items := []Item{{Item: s.chosen(1, "one")}, {Item: s.chosen(2, "two")}}
		lists, err := e.List(t.Context(), items)
		if _, nothing := errors.AsType[*NoFilesError](err); nothing != (files == "none") || err != nil && !nothing {
			t.Errorf("%q: %v", files, err)
		}
		var got []int
		for _, l := range lists {
			got = append(got, l.Files)
		}
		if !slices.Equal(got, want) || items[0].Fetched() {
			t.Errorf("%q: %v, want %v", files, got, want)
		}
	}
}

func TestLayout(t *testing.T) {
	t.Parallel()
	item := artifact.Item{Artifact: artifact.Artifact{Name: "dist", Repo: artifact.Repo{Owner: "o", Name: "r"}}, Run: artifact.Run{ID: 7}}
	for want, l := range map[string]Layout{
		"":           {Merge: true, Repos: true, Runs: true},
		".":          {Straight: true},
		"dist":       {},
		"7/dist":     {Runs: true},
		"7":          {Runs: true, Straight: true},
		"o/r/dist":   {Repos: true},
		"o/r/7/dist": {Repos: true, Runs: true},
	} {
		if got := l.Dir(item); got != strings.TrimPrefix(want, ".") {
			t.Errorf("%+v: %q, want %q", l, got, want)
		}
	}
}
