package transfer

import (
	"bytes"
	"context"
	"crypto/sha256"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/artifetch/artifetch/internal/artifact"
	"github.com/artifetch/artifetch/internal/unpack"
)

// answer is how a storage describes and sends an artifact called "art".
type answer struct {
	contentType, disposition string
	file                     string // the name in disposition
	body                     []byte
	ranges                   bool
}

// answers is an Origin and its storage. The id of an artifact is the index of its answer.
type answers struct {
	*httptest.Server
	list []answer
}

func newAnswers(t *testing.T, list []answer) *answers {
	t.Helper()
	s := &answers{list: list}
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		id, err := strconv.Atoi(path.Base(r.URL.Path))
		if err != nil {
			t.Error(err)
		}
		a := s.list[id]
		w.Header()["Content-Type"] = nil // net/http would look at the body
		if a.contentType != "" {
			w.Header().Set("Content-Type", a.contentType)
		}
		if a.disposition != "" {
			w.Header().Set("Content-Disposition", a.disposition)
		}
		if !a.ranges {
			r.Header.Del("Range")
		}
		http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(a.body))
	}))
	t.Cleanup(s.Close)
	return s
}

func (s *answers) DownloadURL(_ context.Context, _ artifact.Repo, id int64) (*url.URL, error) {
	return url.Parse(fmt.Sprintf("%s/%d", s.URL, id))
}

// Whatever is done with an artifact, the same rule says what it is: its type, then its file
// name, then its first bytes. An answer that is no archive and has neither a name nor a digest
// that proves it is a page.
func TestForms(t *testing.T) {
	t.Parallel()
	zip, empty := zipOf(t, "in.txt"), zipOf(t)
	const page = "<!DOCTYPE html>"
	type named struct{ disposition, file string }
	var list []answer
	for _, contentType := range []string{
		"application/zip", "Application/X-Zip-Compressed; charset=binary", "zip", // these are zips
		"application/octet-stream", "", "application/java-archive", "text/html; charset=utf-8", "multipart/x-zip; boundary=b",
	} {
		for _, name := range []named{
			{"", ""},
			{`attachment; filename="Dist.ZIP"`, "Dist.ZIP"}, {`attachment; filename="app.jar"`, "app.jar"},
			{`attachment; filename="a.zip"; filename*=UTF-8''caf%C3%A9%2Ejar`, "café.jar"}, {`attachment; filename*=UTF-8''a%2Fb%2Fd%C3%A9.zip`, "dé.zip"},
		} {
			for _, body := range [][]byte{zip, empty, []byte(page), nil} {
				list = append(list, answer{contentType, name.disposition, name.file, body, len(list)%3 > 0})
			}
		}
	}
	s := newAnswers(t, list)
	for mode, change := range map[string]func(*Options){
		"extract":           func(*Options) {},
		"keep":              func(o *Options) { o.KeepArchives = true },
		"files":             func(o *Options) { o.Files = []string{"**"} },
		"list":              func(o *Options) { o.Files = []string{"**"} },
		"list what to keep": func(o *Options) { o.KeepArchives = true },
	} {
		for _, digest := range []string{"absent", "right", "wrong", "wrong, allowed", "expected"} {
			t.Run(mode+", digest "+digest, func(t *testing.T) {
				t.Parallel()
				into := newSink(t)
				for id, a := range list {
					right, fails := a.outcome(mode, digest)
					item := Item{Item: artifact.Item{Artifact: artifact.Artifact{ID: int64(id), Name: "art", Digest: digestOf(a.body, digest)}}}
					e := New(Options{Origin: s, Client: s.Client(), MaxFiles: 10})
					change(&e.opt)
					if digest == "expected" {
						e.opt.Expect = []Expected{{SHA256: fmt.Sprintf("%x", sha256.Sum256(a.body))}}
					}
					e.opt.AllowMismatch = digest == "wrong, allowed"
					e = New(e.opt)
					items, err := e.Items([]artifact.Item{item.Item}, nil)
					if err != nil {
						t.Fatal(err)
					}
					var got string
					if strings.HasPrefix(mode, "list") {
						var lists []Listing
						if lists, err = e.List(t.Context(), items); err == nil && len(lists[0].First) > 0 {
							got = lists[0].First[0].Name
						}
					} else if err = e.Fetch(t.Context(), stageAt(into), items); err == nil {
						got = strings.Join(into.tree(t, items[0].Tree), " ")
					}
					if is[*NoFilesError](err) {
						err = nil
					}
					if items[0].Fetched() {
						_ = into.RemoveAll(items[0].Tree)
					}
					if (err != nil) != fails || got != right {
						t.Errorf("%q, %q, %q, ranges %v: %q, %v, want %q, failure %v", a.contentType, a.disposition, a.body, a.ranges, got, err, right, fails)
					}
					if keeps := e.opt.KeepArchives; !fails && keeps && items[0].To != "art/"+right {
						t.Errorf("%q, %q, %q: to %q", a.contentType, a.disposition, a.body, items[0].To)
					}
				}
			})
		}
	}
}

func digestOf(body []byte, state string) string {
	switch state {
	case "right":
		return fmt.Sprintf("sha256:%x", sha256.Sum256(body))
	case "wrong", "wrong, allowed":
		return "sha256:" + strings.Repeat("0", 64)
	}
	return ""
}

// outcome returns the file that an artifact has to become, and whether it has to fail.
func (a answer) outcome(mode, digest string) (file string, fails bool) {
	mediaType, _, _ := strings.Cut(strings.ToLower(a.contentType), ";")
	zipType := mediaType == "zip" || strings.HasPrefix(mediaType, "application/") && strings.Contains(mediaType, "zip")
	isZip := bytes.HasPrefix(a.body, []byte("PK"))
	isArchive := zipType || isZip && (a.file == "" || strings.HasSuffix(strings.ToLower(a.file), ".zip"))
	proved := digest == "right" || digest == "expected"
	lists := strings.HasPrefix(mode, "list")
	switch {
	case !isArchive && a.file == "" && !proved:
		return "", true // a page
	case digest == "wrong" && !lists:
		return "", true
	case !isArchive && a.file == "":
		return "art", false
	case !isArchive:
		return a.file, false
	case strings.Contains(mode, "keep"):
		if a.file == "" {
			a.file = "art.zip"
		}
		if !isZip && !proved && !lists {
			return "", true
		}
		return a.file, false
	case !isZip:
		return "", true
	case bytes.Contains(a.body, []byte("in.txt")):
		return "in.txt", false
	}
	return "", false // an empty zip
}

// What a format needs here is a row of unpack.Formats: whatever is done with an artifact,
// it is recognised, named, listed and extracted by that row.
func TestAnotherFormat(t *testing.T) {
	t.Parallel()
	toy := *unpack.Zip // a zip behind another program's first bytes
	toy.Ext, toy.MediaTypes = ".toy", []string{"application/x-toy"}
	toy.Is = func(head []byte) bool { return bytes.HasPrefix(head, []byte("TOY")) }
	body := append([]byte("TOY"), zipOf(t, "in.txt")...)
	s := newAnswers(t, []answer{
		{contentType: "Application/X-Toy; v=1", body: body},
		{contentType: "application/octet-stream", body: body, ranges: true},
		{disposition: `attachment; filename="Dist.TOY"`, body: body},
		{contentType: "application/octet-stream", disposition: `attachment; filename="dist.zip"`, body: body}, // one file
		{contentType: "application/zip", body: body, ranges: true},                                            // as its type says
		{contentType: "application/octet-stream", body: body[len("TOY"):]},                                    // still a zip
	})
	extracted := []string{"in.txt", "in.txt", "in.txt", "dist.zip", "in.txt", "in.txt"}
	kept := []string{"art.toy", "art.toy", "Dist.TOY", "dist.zip", "art.zip", "art.zip"}
	for name, tt := range map[string]struct {
		change func(*Options)
		want   []string
	}{
		"extract": {func(o *Options) { o.Files = []string{"**"} }, extracted},
		"keep":    {func(o *Options) { o.KeepArchives = true }, kept},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for id, want := range tt.want {
				opt := Options{Origin: s, Client: s.Client(), MaxFiles: 10}
				tt.change(&opt)
				e := New(opt)
				e.formats = append(slices.Clone(e.formats), &toy)
				items, err := e.Items([]artifact.Item{{Artifact: artifact.Artifact{ID: int64(id), Name: "art"}}}, nil)
				if err != nil {
					t.Fatal(err)
				}
				lists, err := e.List(t.Context(), items)
				if err != nil || len(lists[0].First) != 1 || lists[0].First[0].Name != want {
					t.Errorf("%d: listed %+v, %v, want %s", id, lists, err, want)
				}
				into := newSink(t)
				if err := e.Fetch(t.Context(), stageAt(into), items); err != nil {
					t.Fatal(id, err)
				}
				if got := into.tree(t, items[0].Tree); !slices.Equal(got, []string{want}) {
					t.Errorf("%d: fetched %q, want %s", id, got, want)
				}
			}
		})
	}
}
