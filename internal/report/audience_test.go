package report

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io/fs"
	"net"
	"os"
	"regexp"
	"syscall"
	"testing"
	"time"

	"github.com/artifetch/artifetch/internal/artifact"
	"github.com/artifetch/artifetch/internal/fetch"
	"github.com/artifetch/artifetch/internal/githubapi"
	"github.com/artifetch/artifetch/internal/inspect"
	"github.com/artifetch/artifetch/internal/search"
	"github.com/artifetch/artifetch/internal/spool"
	"github.com/artifetch/artifetch/internal/transfer"
	"github.com/artifetch/artifetch/internal/unpack"
	"github.com/artifetch/artifetch/internal/workspace"
)

// An input with a value is YAML for an author, and words of a shell for a person.
func TestSettings(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ input, value, yaml, flag string }{
		{"conclusion", "any", "conclusion: any", "--conclusion any"},
		{"allow-forks", "true", "allow-forks: true", "--allow-forks"},
		{"merge-multiple", "false", "merge-multiple: false", "--merge-multiple=false"},
		{"run-id", "4711", "run-id: 4711", "--run-id 4711"},
		{"branch", "feature/a-b_1.2", "branch: feature/a-b_1.2", "--branch feature/a-b_1.2"},
		{"workflow", "*", "workflow: '*'", "--workflow '*'"},
		{"workflow", "Build & test", "workflow: 'Build & test'", "--workflow 'Build & test'"},
		{"branch", "it's", "branch: 'it''s'", `--branch 'it'\''s'`},
		{"branch", "$(x)", "branch: '$(x)'", "--branch '$(x)'"},
		{"branch", "-x", "branch: '-x'", "--branch='-x'"},
		{"branch", "", "branch: ''", "--branch ''"},
		{"wait", "10m", "wait: 10m", "--wait 10m"},
		{"branch", "1.10", "branch: '1.10'", "--branch 1.10"}, // a number in YAML, 1.1
		{"branch", "0123", "branch: '0123'", "--branch 0123"},
		{"commit", "12e4567", "commit: '12e4567'", "--commit 12e4567"},
		{"branch", "0x1F", "branch: '0x1F'", "--branch 0x1F"},
		{"branch", "Null", "branch: 'Null'", "--branch Null"},
		{"branch", "TRUE", "branch: 'TRUE'", "--branch TRUE"},
	} {
		if got := author.set(tt.input, tt.value); got != tt.yaml {
			t.Errorf("for an author: %s, want %s", got, tt.yaml)
		}
		if got := person.set(tt.input, tt.value); got != tt.flag {
			t.Errorf("for a person: %s, want %s", got, tt.flag)
		}
	}
}

// stepTalk finds words that are of no use to a person at a terminal: inputs that are not
// written as flags, a job, its permissions and its runner.
var stepTalk = regexp.MustCompile(`(^|[^-a-z])((run|artifact)-ids?|allow-forks|search-limit|max-(size|files|age)|merge-multiple|skip-decompress|if-exists|dry-run|digest-mismatch|expect-digest|` +
	`github-(token|api-url)|ca-cert|app-(id|private-key))\b|(^|[^-])\b(conclusion|workflow|branch|wait|pr|files): |permissions:|the step (runs )?again|the job|[Rr]unner|\$\{\{|github\.`)

// Advice for a person speaks of flags, tokens and this machine.
func TestAdviceForPersons(t *testing.T) {
	t.Parallel()
	repo := artifact.Repo{Owner: "octo", Name: "app"}
	run := artifact.Run{ID: 7, Repo: repo, Workflow: "CI", WorkflowPath: ".github/workflows/ci.yml", Conclusion: "failure"}
	api := func(k githubapi.Kind) error {
		return &githubapi.Error{Kind: k, Repo: repo, Needs: githubapi.ActionsRead}
	}
	network := func(err error) error { return &githubapi.Error{Kind: githubapi.Network, Repo: repo, Err: err} }
	explained := func(e search.Explanation) error {
		return &search.NotFoundError{Repo: repo, What: `artifact "x"`, Explanation: e}
	}
	for name, err := range map[string]error{
		"bad token": api(githubapi.BadToken), "no permission": api(githubapi.NoPermission), "not found": api(githubapi.NotFound),
		"limit": api(githubapi.PrimaryLimit), "secondary limit": api(githubapi.SecondaryLimit), "gone": api(githubapi.Gone),
		"trouble": api(githubapi.ServerError), "another server": api(githubapi.UnexpectedAnswer),
		"reserved":        &githubapi.Error{Kind: githubapi.Reserved, Err: &githubapi.ReserveError{Reset: time.Unix(0, 0), Costs: githubapi.Costs{githubapi.RunPages: 9}}},
		"app":             &githubapi.Error{Kind: githubapi.BadToken, App: true},
		"app's clock":     &githubapi.Error{Kind: githubapi.BadToken, App: true, Ahead: time.Hour},
		"no host":         network(&net.DNSError{Name: "x", IsNotFound: true}),
		"no DNS":          network(&net.DNSError{Name: "x"}),
		"no connection":   network(&net.OpError{Op: "dial", Err: syscall.ECONNREFUSED}),
		"forbidden":       network(&net.OpError{Op: "dial", Err: os.NewSyscallError("connect", syscall.EPERM)}),
		"no authority":    network(&tls.CertificateVerificationError{Err: x509.UnknownAuthorityError{}}),
		"out of date":     network(&tls.CertificateVerificationError{Err: x509.CertificateInvalidError{Reason: x509.Expired, Cert: &x509.Certificate{}}}),
		"another purpose": network(&tls.CertificateVerificationError{Err: x509.CertificateInvalidError{Reason: x509.IncompatibleUsage}}),

		"another conclusion": explained(search.Explanation{Failed: run}),
		"no conclusion":      explained(search.Explanation{Failed: artifact.Run{ID: 7}}),
		"another workflow":   explained(search.Explanation{Elsewhere: run}),
		"both":               explained(search.Explanation{ElsewhereFailed: run}),
		"beyond the limit":   explained(search.Explanation{Overlooked: run, LimitHit: true}),
		"listed late":        explained(search.Explanation{Overlooked: run}),
		"the limit":          explained(search.Explanation{LimitHit: true}),
		"a fork's":           explained(search.Explanation{Forks: 1}),
		"perhaps a fork's":   explained(search.Explanation{UnknownOrigin: 1}),
		"unsure":             explained(search.Explanation{Doubts: []search.Doubt{{Filters: []string{"conclusion"}}}}),
		"near":               explained(search.Explanation{Near: search.NearValue{Input: "branch", Value: "main"}}),
		"a pull request":     explained(search.Explanation{PullRequest: 3}),
		"no commit":          explained(search.Explanation{NoCommit: true}),
		"nowhere":            explained(search.Explanation{Nowhere: true}),
		"pending":            &search.NotFoundError{Pending: []artifact.Run{run}},
		"commit":             &search.NotFoundError{Repo: repo, Permission: string(githubapi.ContentsRead)},
		"pull request":       &search.NotFoundError{Repo: repo, Permission: string(githubapi.PullRequestsRead)},
		"id":                 &search.NotFoundError{Settled: true},
		"conditions":         &search.NotFoundError{Where: []string{"branch x"}},
		"one name":           &search.SameNameError{},
		"ambiguous":          &search.AmbiguousError{Input: "workflow"},
		"several files":      &inspect.SeveralError{},

		"another digest": &transfer.DigestError{}, "not expected": &transfer.ExpectError{}, "too few digests": &transfer.CountError{},
		"a page": &transfer.PageError{}, "unsound": &transfer.UnsoundError{}, "a stream": &transfer.StreamError{}, "no files": &transfer.NoFilesError{},
		"hostile": &unpack.RefusedError{}, "too large": &unpack.LimitError{}, "a link": &workspace.LinkError{}, "protected": &workspace.ProtectedError{},
		"a mount": &workspace.PlaceError{Mount: true}, "immutable": &workspace.PlaceError{}, "exists": &workspace.ExistsError{}, "undo": &workspace.UndoError{},
		"certificate": &CertificateError{Err: fs.ErrNotExist},

		"full": syscall.ENOSPC, "quota": &spool.QuotaError{}, "encoded": &transfer.EncodingError{}, "read-only": syscall.EROFS, "not permitted": fs.ErrPermission, "cancelled": context.Canceled,
		"too slow": &fetch.WaitError{}, "cut": &fetch.TruncatedError{}, "refused": &fetch.StorageError{Status: 403}, "busy": &fetch.StorageError{Status: 503}, "altered": &fetch.MD5Error{},
	} {
		got := person.hint(errors.Join(err))
		if word := stepTalk.FindString(got); word != "" {
			t.Errorf("%s: %q speaks of %q", name, got, word)
		}
		if got == "" {
			t.Errorf("%s: no advice", name)
		}
	}
}
