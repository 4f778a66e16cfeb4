package githubapi

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"reflect"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/go-cmp/cmp"

	"github.com/artifetch/artifetch/internal/artifact"
	"github.com/artifetch/artifetch/internal/githubsim"
	"github.com/artifetch/artifetch/internal/search"
	"github.com/artifetch/artifetch/internal/words"
)

// simulated returns an answer of the simulator, whose pages have all fields of GitHub's.
func simulated(t testing.TB, path string, items int) []byte {
	t.Helper()
	s := githubsim.New(githubsim.Options{Now: func() time.Time { return time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC) }})
	defer s.Close()
	repo := s.AddRepo("octo/app")
	ci := repo.AddWorkflow("CI", ".github/workflows/ci.yml")
	for range items {
		repo.AddRun(githubsim.Run{Workflow: ci}).AddArtifact(githubsim.Artifact{Name: "dist"})
	}
	s.AddToken("tok", "octo/app", githubsim.Read)
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.APIURL+"/repos/octo/app/"+path, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer tok")
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil || res.StatusCode != http.StatusOK {
		t.Fatal(res.Status, err)
	}
	return body
}

// The types below are decoded by encoding/json. Pointers are nil for null and for a missing
// field, which these fields do not distinguish; RawMessages do.
type oracleRun struct {
	ID           int64      `json:"id"`
	Name         *string    `json:"name"`
	WorkflowID   int64      `json:"workflow_id"`
	Path         *string    `json:"path"`
	RunNumber    int        `json:"run_number"`
	RunAttempt   int        `json:"run_attempt"`
	DisplayTitle *string    `json:"display_title"`
	Event        *string    `json:"event"`
	Status       *string    `json:"status"`
	Conclusion   *string    `json:"conclusion"`
	HeadBranch   *string    `json:"head_branch"`
	HeadSHA      *string    `json:"head_sha"`
	HTMLURL      *string    `json:"html_url"`
	CreatedAt    oracleTime `json:"created_at"`
	UpdatedAt    oracleTime `json:"updated_at"`
	RunStartedAt oracleTime `json:"run_started_at"`
	StartedAt    oracleTime `json:"started_at"`
	Actor        struct {
		Login *string `json:"login"`
	} `json:"actor"`
	Repository     oracleRepo      `json:"repository"`
	HeadRepository json.RawMessage `json:"head_repository"`
}

type oracleRepo struct {
	ID       int64   `json:"id"`
	FullName *string `json:"full_name"`
}

type oracleArtifact struct {
	ID          int64      `json:"id"`
	Name        *string    `json:"name"`
	SizeInBytes int64      `json:"size_in_bytes"`
	Digest      *string    `json:"digest"`
	Expired     bool       `json:"expired"`
	CreatedAt   oracleTime `json:"created_at"`
	ExpiresAt   oracleTime `json:"expires_at"`
	WorkflowRun *struct {
		ID               int64           `json:"id"`
		RepositoryID     int64           `json:"repository_id"`
		HeadRepositoryID json.RawMessage `json:"head_repository_id"`
		HeadBranch       *string         `json:"head_branch"`
		HeadSHA          *string         `json:"head_sha"`
	} `json:"workflow_run"`
}

type oracleTime struct{ time.Time }

func (t *oracleTime) UnmarshalJSON(raw []byte) error {
	var s *string
	if err := json.Unmarshal(raw, &s); err != nil || s == nil {
		return err
	}
	err := t.UnmarshalText([]byte(*s))
	if t.Unix() <= 0 {
		t.Time = time.Time{}
	}
	return err
}

// cut returns a string as a text holds it, "" for none.
func cut(s *string) string {
	if s == nil {
		return ""
	}
	return words.Cut(*s, maxText)
}

// raw decodes a value that may be null or missing.
func raw(text json.RawMessage, v any) (null bool, err error) {
	if len(text) == 0 {
		return false, nil
	}
	return string(text) == "null", json.Unmarshal(text, v)
}

func (o *oracleRun) run() (artifact.Run, error) {
	var head oracleRepo
	deleted, err := raw(o.HeadRepository, &head)
	path, _, _ := strings.Cut(cut(o.Path), "@")
	r := artifact.Run{
		ID: o.ID, Repo: app, RepoID: o.Repository.ID, RepoName: cut(o.Repository.FullName), HeadRepo: cut(head.FullName), HeadRepoID: head.ID,
		HeadRepoDeleted: deleted, Workflow: cut(o.Name), WorkflowID: o.WorkflowID, WorkflowPath: path, Number: o.RunNumber, Attempt: o.RunAttempt,
		Title: cut(o.DisplayTitle), Event: cut(o.Event), Actor: cut(o.Actor.Login), Status: cut(o.Status), Conclusion: cut(o.Conclusion),
		HeadBranch: cut(o.HeadBranch), HeadSHA: cut(o.HeadSHA), URL: cut(o.HTMLURL), CreatedAt: o.CreatedAt.Time, UpdatedAt: o.UpdatedAt.Time,
		StartedAt: o.RunStartedAt.Time,
	}
	if r.StartedAt.IsZero() {
		r.StartedAt = o.StartedAt.Time
	}
	return r, err
}

func (o *oracleArtifact) artifact() (artifact.Artifact, error) {
	a := artifact.Artifact{
		ID: o.ID, Repo: app, Name: cut(o.Name), Size: o.SizeInBytes, Digest: cut(o.Digest), Expired: o.Expired,
		CreatedAt: o.CreatedAt.Time, ExpiresAt: o.ExpiresAt.Time,
	}
	w := o.WorkflowRun
	if w == nil {
		return a, nil
	}
	ref := &artifact.RunRef{ID: w.ID, RepoID: w.RepositoryID, HeadBranch: cut(w.HeadBranch), HeadSHA: cut(w.HeadSHA)}
	if w.ID != 0 {
		a.Run = ref
	}
	var err error
	ref.HeadRepoDeleted, err = raw(w.HeadRepositoryID, &ref.HeadRepoID)
	return a, err
}

// allMembers are the names of all members that have a field.
const allMembers = "total_count items id name workflow_id path run_number run_attempt display_title event status conclusion head_branch head_sha html_url " +
	"created_at updated_at run_started_at started_at actor login repository full_name head_repository size_in_bytes digest expired expires_at workflow_run " +
	"repository_id head_repository_id"

// ambiguous reports whether a text has a member twice, or one whose name differs from
// that of a field in case only: the two decoders differ there.
func ambiguous(text []byte) bool {
	d := jsontext.NewDecoder(bytes.NewReader(text), jsontext.AllowInvalidUTF8(true))
	for {
		token, err := d.ReadToken()
		if err != nil {
			return errors.Is(err, jsontext.ErrDuplicateName)
		}
		if kind, n := d.StackIndex(d.StackDepth()); token.Kind() != '"' || kind != '{' || n%2 == 0 {
			continue
		}
		name := token.String()
		for member := range strings.FieldsSeq(allMembers) {
			if name != member && strings.EqualFold(name, member) {
				return true
			}
		}
	}
}

// compare decodes a page with both decoders.
func compare[W, O, T any](t *testing.T, page []byte, ours func(*W, artifact.Repo) T, theirs func(*O) (T, error)) {
	t.Helper()
	var want struct {
		Total int `json:"total_count"`
		Items []O `json:"items"`
	}
	var got struct {
		Total int       `json:"total_count"`
		Items listOf[W] `json:"items"`
	}
	c := clip{names: membersOf(reflect.TypeOf(got)), repeats: newRepeats()}
	err, readErr := c.read(bytes.NewReader(page))
	if readErr != nil {
		t.Fatal(readErr)
	}
	if err == nil {
		err = unmarshal(c.kept, &got)
	}
	wantErr := json.Unmarshal(page, &want)
	items := make([]T, len(want.Items))
	for i := range want.Items {
		item, err := theirs(&want.Items[i])
		items[i] = item
		if wantErr == nil {
			wantErr = err
		}
	}
	if len(items) > search.PerPage {
		wantErr = errors.New("too many items")
	}
	if (err == nil) != (wantErr == nil) {
		t.Fatalf("got %v, encoding/json says %v", err, wantErr)
	}
	if err != nil {
		return
	}
	if got.Total != want.Total || got.Items.there != (want.Items != nil) || len(got.Items.items) != len(items) {
		t.Fatalf("got %+v, want %+v", got, want)
	}
	for i := range items {
		if diff := cmp.Diff(items[i], ours(&got.Items.items[i], app)); diff != "" {
			t.Errorf("item %d: %s", i, diff)
		}
	}
}

// FuzzPages compares what pages of runs and of artifacts are decoded to with what
// encoding/json makes of them.
func FuzzPages(f *testing.F) {
	for _, name := range []string{"workflow_runs", "artifacts"} {
		page := simulated(f, strings.Replace("actions/"+name, "workflow_", "", 1), 2)
		page = bytes.Replace(page, []byte(name), []byte("items"), 1)
		f.Add(page)
		f.Add(page[:len(page)/2])
	}
	for _, item := range []string{
		`null`, `7`, `{}`, `{"id":1}`, `{"id":null}`, `{"id":1.0}`, `{"id":1e2}`, `{"id":-0}`, `{"id":9223372036854775808}`, `{"id":"1"}`, `{"id":true}`,
		`{"id":1,"name":"\ud83d\ude00\ud800\u0000"}`, `{"id":1,"name":"` + "\xff\xc3" + `"}`, `{"id":1,"name":7}`, `{"id":1,"name":{}}`,
		`{"id":1,"name":"` + strings.Repeat("ü", maxText) + `"}`, `{"id":1,"created_at":"2026-01-02T03:04:05.5+01:00"}`, `{"id":1,"created_at":"now"}`,
		`{"id":1,"created_at":""}`, `{"id":1,"created_at":7}`, `{"id":1,"head_repository":null}`, `{"id":1,"head_repository":[]}`, `{"id":1,"actor":null,"event":null}`,
		`{"id":1,"workflow_run":{"id":2,"head_repository_id":null}}`, `{"id":1,"workflow_run":null}`, `{"id":1,"expired":null}`, `{"id":1,"expired":0}`,
		`{"id":1,"x":[[{"y":[1,2.5e-3,true,false,null,"\""]}]]}`, `{"id":1,}`, `{"id":1 "x":2}`, `{id:1}`, `{"id":01}`, `{"x":nul}`, `{"x":"` + "\n" + `"}`, `{"x":"\q"}`, `{"x":"\u12"}`,
	} {
		f.Add([]byte(`{"total_count":3,"items":[` + item + `]}`))
	}
	for _, text := range []string{"", " ", "null", "[]", "{}", `{"items":null}`, `{"items":{}}`, `{"items":[]}x`, ` {"items":[]} `, `{"items":[}`, `{"items":[]]`, `{"total_count":"1"}`, "\ufeff{}"} {
		f.Add([]byte(text))
	}
	f.Add([]byte(`{"items":[` + strings.Repeat("{},", search.PerPage) + `{}]}`))
	f.Fuzz(func(t *testing.T, page []byte) {
		if ambiguous(page) {
			return
		}
		compare(t, page, (*wireRun).run, (*oracleRun).run)
		compare(t, page, (*wireArtifact).artifact, (*oracleArtifact).artifact)
	})
}

// FuzzBrokeOff compares what is taken for the beginning of a JSON text with what
// encoding/json takes for one.
func FuzzBrokeOff(f *testing.F) {
	page := simulated(f, "actions/artifacts", 1)
	for n := range 300 {
		f.Add(page[:n])
	}
	for _, text := range []string{"", "<html>{", "0123456789abcdef", ` ["a\`, `{"a":"\"}`, `{"a":]`, `{}{`, `[1,2`, "[\"\n", `{"a":"b"}]`, `[tru`} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		var a answer
		if err := a.read(&http.Response{Body: io.NopCloser(bytes.NewReader(body))}, nil); err != nil {
			t.Fatal(err)
		}
		text := bytes.TrimLeft(body, " \t\r\n")
		var all json.RawMessage
		want := len(text) > 0 && (text[0] == '{' || text[0] == '[') && errors.Is(json.NewDecoder(bytes.NewReader(text)).Decode(&all), io.ErrUnexpectedEOF)
		if got := a.brokeOff(); got != want {
			t.Errorf("%q: %t, want %t", body, got, want)
		}
	})
}

// BenchmarkRunPage receives and decodes a page of 100 runs: one whose runs have the same
// repository and actor, and one in which no two objects are the same.
func BenchmarkRunPage(b *testing.B) {
	same, n := simulated(b, "actions/runs?per_page=100", 100), 0
	other := regexp.MustCompile("octo").ReplaceAllFunc(same, func([]byte) []byte {
		n++
		return fmt.Appendf(nil, "%04x", n)
	})
	for name, page := range map[string][]byte{"same": same, "other": other} {
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(page)))
			b.ReportAllocs()
			for b.Loop() {
				answer, into := &answer{status: http.StatusOK}, new(runPage)
				names := membersOf(reflect.TypeOf(into))
				if err := answer.read(&http.Response{Body: io.NopCloser(bytes.NewReader(page)), ContentLength: int64(len(page))}, names); err != nil {
					b.Fatal(err)
				}
				x := &exchange{forge: gitHub, answer: answer}
				if err := x.decode(into); err != nil || len(into.items()) != 100 {
					b.Fatal(err)
				}
			}
		})
	}
}
