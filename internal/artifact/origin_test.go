package artifact

import "testing"

func TestOrigin(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		run  Run
		want Origin
	}{
		"its own":                           {Run{RepoID: 1, HeadRepoID: 1}, OriginOwn},
		"another's, of a trusted name":      {Run{RepoID: 1, HeadRepoID: 2, HeadRepo: "octo/app", HeadBranch: "main"}, OriginFork},
		"another's, by an own event":        {Run{RepoID: 1, HeadRepoID: 2, Event: "push"}, OriginFork},
		"deleted":                           {Run{RepoID: 1, HeadRepoDeleted: true}, OriginFork},
		"deleted, by an own event":          {Run{RepoID: 1, HeadRepoDeleted: true, Event: "push"}, OriginFork},
		"deleted, of an unknown repository": {Run{HeadRepoDeleted: true}, OriginFork},
		"nothing told":                      {Run{}, OriginUnknown},
		"no head":                           {Run{RepoID: 1}, OriginUnknown},
		"no repository":                     {Run{HeadRepoID: 1}, OriginUnknown},
		"no repository, by an own event":    {Run{HeadRepoID: 1, Event: "push"}, OriginUnknown},
		"a head without an id":              {Run{RepoID: 1, HeadRepo: "evil/app", Event: "push"}, OriginUnknown},
		"negative":                          {Run{RepoID: -1, HeadRepoID: -1}, OriginUnknown},
		"negative, by an own event":         {Run{RepoID: 1, HeadRepoID: -1, Event: "push"}, OriginUnknown},
		"no head, push":                     {Run{RepoID: 1, Event: "push"}, OriginOwn},
		"no head, schedule":                 {Run{RepoID: 1, Event: "schedule"}, OriginOwn},
		"no head, workflow_dispatch":        {Run{RepoID: 1, Event: "workflow_dispatch"}, OriginOwn},
		"no head, release":                  {Run{RepoID: 1, Event: "release"}, OriginOwn},
		"no head nor repository, push":      {Run{Event: "push"}, OriginOwn},
		"no head, pull_request":             {Run{RepoID: 1, Event: "pull_request"}, OriginUnknown},
		"no head, pull_request_target":      {Run{RepoID: 1, Event: "pull_request_target"}, OriginUnknown},
		"no head, workflow_run":             {Run{RepoID: 1, Event: "workflow_run"}, OriginUnknown},
		"no head, in other letters":         {Run{RepoID: 1, Event: "PUSH"}, OriginUnknown},
		"no head, an event of tomorrow":     {Run{RepoID: 1, Event: "push_from_fork"}, OriginUnknown},
	}
	for name, tt := range tests {
		if got := tt.run.Origin(); got != tt.want {
			t.Errorf("%s: %v, want %v", name, got, tt.want)
		}
		// An artifact's listing and a pull request have no event.
		if tt.run.Event != "" {
			continue
		}
		ref := &RunRef{RepoID: tt.run.RepoID, HeadRepoID: tt.run.HeadRepoID, HeadRepoDeleted: tt.run.HeadRepoDeleted}
		pull := PullRequest{RepoID: tt.run.RepoID, HeadRepoID: tt.run.HeadRepoID, HeadRepoDeleted: tt.run.HeadRepoDeleted}
		if ref.Origin() != tt.want || ref.Stub(Repo{}).Origin() != tt.want || pull.Origin() != tt.want {
			t.Errorf("%s: in a listing %v, its run %v, a pull request %v; want %v", name, ref.Origin(), ref.Stub(Repo{}).Origin(), pull.Origin(), tt.want)
		}
	}
	for run, want := range map[Run]string{
		{RepoID: 1, HeadRepoID: 2, HeadRepo: "evil/app"}: "the fork evil/app",
		{RepoID: 1, HeadRepoID: 2}:                       "another repository",
		{RepoID: 1, HeadRepoDeleted: true}:               "a fork that was deleted",
		{RepoID: 1}:                                      "a repository that the server does not name",
	} {
		if got := run.Whence(); got != want {
			t.Errorf("%+v comes from %s, want %s", run, got, want)
		}
	}
	if OriginOwn.Foreign() || !OriginFork.Foreign() || !OriginUnknown.Foreign() || !Origin(9).Foreign() {
		t.Error("only what is known to be the repository's own is not foreign")
	}
}
