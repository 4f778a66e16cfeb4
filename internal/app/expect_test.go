package app

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"maps"
	"strings"
	"sync"
	"testing"

	"github.com/artifetch/artifetch/internal/githubsim"
)

// expectWorld has in run 1 the archives a (1) and b (2) and the file c.txt (3), in run 2
// an archive a (4) with the bytes of a, and in run 3 two files with the same bytes.
// Without digests it is a server that gives none.
func expectWorld(t *testing.T, digests bool) *world {
	t.Helper()
	var list []githubsim.Artifact
	for name, blob := range map[string]githubsim.Blob{"a": expectA(), "b": expectB(), "c.txt": expectC()} {
		list = append(list, githubsim.Artifact{ID: int64(strings.Index("abc", name[:1]) + 1), Name: name, Blob: blob, NoDigest: !digests})
	}
	w := runWorld(t)
	for _, a := range list {
		if a.ID == 3 {
			a.ContentType, a.ContentDisposition = "text/plain", `attachment; filename="c.txt"`
		}
		w.Attempt(1, a)
	}
	more := w.app.AddWorkflow("More", ".github/workflows/more.yml")
	w.app.AddRun(githubsim.Run{ID: 2, Workflow: more}).AddArtifact(githubsim.Artifact{ID: 4, Name: "a", Blob: expectA(), NoDigest: !digests})
	twins := w.app.AddRun(githubsim.Run{ID: 3, Workflow: more})
	for i, name := range []string{"x", "y"} {
		twins.AddArtifact(githubsim.Artifact{ID: int64(5 + i), Name: name, Blob: expectC(), ContentType: "text/plain", ContentDisposition: `attachment; filename="c.txt"`, NoDigest: !digests})
	}
	return w
}

var (
	expectA = sync.OnceValue(func() githubsim.Blob { return files("1", "one", "2", "two") })
	expectB = sync.OnceValue(func() githubsim.Blob { return githubsim.BigZip(20, 100_000, 1) })
	expectC = sync.OnceValue(func() githubsim.Blob { return githubsim.Bytes([]byte("see")) })
)

func hexOf(b githubsim.Blob) string { return fmt.Sprintf("%x", sha256.Sum256(contentOf(b))) }

func TestExpectDigest(t *testing.T) {
	t.Parallel()
	a, b, c, zero := hexOf(expectA()), hexOf(expectB()), hexOf(expectC()), strings.Repeat("0", 64)
	lines := func(list ...string) string { return strings.Join(list, "\n") }
	const unlike = "not the SHA-256 expected: "
	for name, tt := range map[string]struct {
		expect string
		in     map[string]string
		fails  string // "" is success
		early  bool   // it fails before anything is fetched
	}{
		"one":                    {expect: a, in: in("name", "a")},
		"one, prefixed":          {expect: "sha256:" + strings.ToUpper(a), in: in("name", "a")},
		"one, of another":        {expect: b, in: in("name", "a"), fails: unlike + `artifact "a" (1) of octo/app has ` + a},
		"one, of nothing":        {expect: zero, in: in("name", "a"), fails: "expected is " + zero + ". Nothing was written. Check that expect-digest"},
		"a file":                 {expect: c, in: in("name", "c.txt")},
		"a file, not":            {expect: a, in: in("name", "c.txt"), fails: unlike + `artifact "c.txt" (3) of octo/app has ` + c},
		"all, in any order":      {expect: lines(c, a, b)},
		"all but one":            {expect: lines(c, a), fails: "2 digests are expected, and 3 artifacts are chosen. Nothing was fetched", early: true},
		"one too many":           {expect: lines(a, zero), in: in("name", "a"), fails: "2 digests are expected, and 1 artifact is chosen", early: true},
		"one of them wrong":      {expect: lines(c, a, zero), fails: `artifact "b" (2) of octo/app has ` + b},
		"one of them twice":      {expect: lines(c, a, a), fails: `artifact "b" (2) of octo/app has ` + b},
		"named":                  {expect: lines(b+"  b", a+"  a", c+" *c.txt")},
		"named and not":          {expect: lines(b, a+"  a", c)},
		"names swapped":          {expect: lines(b+"  a", a+"  b", c), fails: unlike},
		"a name for the wrong":   {expect: lines(b+"  a", a, c), fails: unlike + `artifact "b"`},
		"another artifact's":     {expect: lines(a + "  b"), in: in("name", "a"), fails: "1 digest is expected, and 1 artifact is chosen; no artifact chosen is left for " + a + ` for "b"`, early: true},
		"a name twice":           {expect: lines(a+"  a", zero+"  a", c), fails: "left for " + zero + ` for "a"`, early: true},
		"two runs":               {expect: lines(a, a), in: in("run-id", "1\n2", "name", "a")},
		"two runs, named":        {expect: lines(a+"  a", a+"  a"), in: in("run-id", "1\n2", "name", "a")},
		"two runs, one digest":   {expect: a, in: in("run-id", "1\n2", "name", "a"), fails: "1 digest is expected, and 2 artifacts are chosen", early: true},
		"two runs, one wrong":    {expect: lines(a, zero), in: in("run-id", "1\n2", "name", "a"), fails: "expected is " + zero},
		"twins":                  {expect: lines(c, c), in: in("run-id", "3")},
		"twins, once":            {expect: lines(c, zero), in: in("run-id", "3"), fails: `has ` + c + `; expected is ` + zero},
		"files":                  {expect: a, in: in("name", "a", "files", "1")},
		"files, wrong":           {expect: zero, in: in("name", "a", "files", "1"), fails: unlike},
		"files of a large one":   {expect: b, in: in("name", "b", "files", "d7/f7.bin")},
		"files of some":          {expect: lines(a, b, c), in: in("files", "1")},
		"files of some, wrong":   {expect: lines(a, b, zero), in: in("files", "1"), fails: `artifact "c.txt" (3) of octo/app has ` + c},
		"files, the other wrong": {expect: lines(a, zero, c), in: in("files", "1"), fails: `artifact "b" (2) of octo/app has ` + b},
		"kept":                   {expect: lines(a, b, c), in: in("skip-decompress", "true")},
		"kept, wrong":            {expect: lines(a, b, zero), in: in("skip-decompress", "true"), fails: unlike},
		"a relaxed check":        {expect: zero, in: in("name", "a", "digest-mismatch", "ignore"), fails: unlike},
		"a shard, named":         {expect: lines(a+"  a", b+"  b", c+"  c.txt"), in: in("shard", "1/2")},
		"the other, named":       {expect: lines(a+"  a", b+"  b", c+"  c.txt"), in: in("shard", "2/2")},
		"a shard's own":          {expect: b, in: in("shard", "1/2")},
		"the other's own":        {expect: lines(a, c), in: in("shard", "2/2")},
		"a shard, of all":        {expect: lines(a, b, c), in: in("shard", "1/2"), fails: "with shard, put the artifact's name behind each digest", early: true},
		"a shard, not all named": {expect: lines(b, a+"  a", c+"  c.txt"), in: in("shard", "1/2")},
		"a shard, one missing":   {expect: lines(a+"  a", b+"  b"), in: in("shard", "2/2"), fails: "1 digest is expected, and 2 artifacts are chosen", early: true},
		"a shard, one wrong":     {expect: lines(a+"  a", zero+"  b", c+"  c.txt"), in: in("shard", "1/2"), fails: unlike},
		"merged, deleted":        {expect: lines(a, b, c), in: in("merge-multiple", "true", "delete", "true")},
		"empty":                  {expect: "", fails: "expect-digest is empty: what it is set to has no value, and nothing would be checked", early: true},
		"of another kind":        {expect: "sha512:" + a + a, fails: "unknown algorithm", early: true},
		"nothing to prove":       {expect: a, in: in("name", "nope"), fails: "not found", early: true},
		"nothing, ignored":       {expect: a, in: in("name", "nope", "if-no-artifact-found", "ignore"), fails: "not found", early: true},
		"no files, ignored":      {expect: a, in: in("name", "a", "files", "nope", "if-no-artifact-found", "warn"), fails: "no file of the artifact matches"},
	} {
		for _, digests := range []bool{true, false} {
			t.Run(fmt.Sprintf("%s, digests: %v", name, digests), func(t *testing.T) {
				t.Parallel()
				w := expectWorld(t, digests)
				env := in("run-id", "1", "expect-digest", tt.expect)
				maps.Copy(env, tt.in)
				got := w.step(t.Context(), t, env)
				if tt.fails == "" {
					if got.code != 0 || len(got.files) == 0 || !strings.Contains(got.summary, "as expected |") {
						t.Errorf("code %d, %d files\n%s", got.code, len(got.files), got.log)
					}
					return
				}
				if got.code != 1 || len(got.files) > 0 || !strings.Contains(got.outputs["error-message"], tt.fails) || got.outputs["found"] != "false" {
					t.Errorf("code %d, %d files, want the message %q\n%s", got.code, len(got.files), tt.fails, got.log)
				}
				if fetched := w.Count(githubsim.Storage) > 0; tt.early && fetched {
					t.Error("it was fetched, although its failure could be foreseen")
				}
			})
		}
	}
}

// With files, too, all of an artifact is fetched, but only the files chosen need room.
func TestExpectDigestNeedsNoRoom(t *testing.T) {
	t.Parallel()
	w := fileWorld(t)
	w.free = func() (int64, error) { return 150_000, nil }
	got := w.step(t.Context(), t, in("name", "big", "files", "d7/f107.bin", "expect-digest", bigDigest()))
	if got.code != 0 || len(got.files) != 1 {
		t.Errorf("code %d, %d files\n%s", got.code, len(got.files), got.log)
	}
	got = w.step(t.Context(), t, in("name", "big\nraw", "files", "d7/f107.bin", "expect-digest", bigDigest()+"\n"+hexOf(githubsim.Bytes(bytes.Repeat([]byte("0123456789"), 100_000)))))
	if got.code != 0 || len(got.files) != 1 {
		t.Errorf("with a file that is left out: code %d, %d files\n%s", got.code, len(got.files), got.log)
	}
}

// What GitHub has on record can only end the step before anything is fetched. It proves
// nothing.
func TestRecordsProveNothing(t *testing.T) {
	t.Parallel()
	a, zero := hexOf(expectA()), strings.Repeat("0", 64)
	for name, tt := range map[string]struct {
		record, expect string
		in             map[string]string
		fails          string
		early          bool
	}{
		"the record fits, the bytes do not":   {record: zero, expect: zero, fails: "its SHA-256 is " + a},
		"the same, relaxed":                   {record: zero, expect: zero, in: in("digest-mismatch", "ignore"), fails: "not the SHA-256 expected"},
		"the same, kept":                      {record: zero, expect: zero, in: in("digest-mismatch", "warn", "skip-decompress", "true"), fails: "not the SHA-256 expected"},
		"the bytes fit, the record does not":  {record: zero, expect: a, fails: "has " + zero + ", as the server has it on record; expected is " + a, early: true},
		"the same, and that may differ":       {record: zero, expect: a, in: in("digest-mismatch", "warn")},
		"a record of an unknown kind":         {record: "md5:0", expect: a},
		"a record of an unknown kind, wrong":  {record: "md5:0", expect: zero, fails: "not the SHA-256 expected"},
		"the record shows that it cannot fit": {record: a, expect: zero, fails: "as the server has it on record", early: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if !strings.Contains(tt.record, ":") {
				tt.record = "sha256:" + tt.record
			}
			w := runWorld(t, githubsim.Artifact{Name: "a", Blob: expectA(), Digest: tt.record})
			env := in("run-id", "1", "name", "a", "expect-digest", tt.expect)
			maps.Copy(env, tt.in)
			got := w.step(t.Context(), t, env)
			if tt.fails == "" && (got.code != 0 || len(got.files) == 0) || tt.fails != "" && (got.code != 1 || len(got.files) > 0 || !strings.Contains(got.outputs["error-message"], tt.fails)) {
				t.Errorf("code %d, %d files, want the message %q\n%s", got.code, len(got.files), tt.fails, got.log)
			}
			if strings.Contains(got.log, "lets it pass") {
				t.Errorf("the advice does not help: %s", got.log)
			}
			if fetched := w.Count(githubsim.Storage) > 0; fetched == tt.early {
				t.Errorf("fetched: %v", fetched)
			}
		})
	}
}

// A dry run proves nothing, and says so. What it can foresee, it says.
func TestExpectDigestInDryRun(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		in   map[string]string
		code int
		says string
	}{
		"right":       {in("expect-digest", hexOf(expectA())), 0, "::warning::expect-digest is not proved: a dry run does not fetch the artifacts"},
		"wrong":       {in("expect-digest", hexOf(expectB())), 0, "::warning::expect-digest is not proved"},
		"with files":  {in("expect-digest", hexOf(expectB()), "files", "1"), 0, "::warning::expect-digest is not proved"},
		"wrong count": {in("expect-digest", hexOf(expectB())+"\n"+hexOf(expectA())), 1, "2 digests are expected, and 1 artifact is chosen"},
		"wrong name":  {in("expect-digest", hexOf(expectA())+"  b"), 1, `left for ` + hexOf(expectA()) + ` for "b"`},
		"nothing":     {in("expect-digest", hexOf(expectA()), "name", "nope"), 0, "not found"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			env := in("run-id", "1", "name", "a", "dry-run", "true")
			maps.Copy(env, tt.in)
			got := expectWorld(t, true).step(t.Context(), t, env)
			if got.code != tt.code || !strings.Contains(got.log, tt.says) || strings.Contains(got.outputs["artifacts"], `"digest_verified":true`) {
				t.Errorf("code %d, want %q\n%s", got.code, tt.says, got.log)
			}
		})
	}
}
