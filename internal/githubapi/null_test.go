package githubapi

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/artifetch/artifetch/internal/artifact"
)

// What a server leaves out, what is null and what has a value are three things.
func TestFieldsThatServersLeaveOut(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	const stamp = `"2026-01-02T03:04:05Z"`
	for fields, want := range map[string]artifact.Run{
		``:                         {},
		`,"head_repository":null`:  {HeadRepoDeleted: true},
		`,"head_repository": null`: {HeadRepoDeleted: true},
		`,"head_repository":{}`:    {},
		`,"head_repository":{"id":null,"full_name":"o/r"}`:      {HeadRepo: "o/r"},
		`,"head_repository":{"id":7,"full_name":"o/r"}`:         {HeadRepoID: 7, HeadRepo: "o/r"},
		`,"head_repository":{"id":7},"head_repository":null`:    {HeadRepoID: 7, HeadRepoDeleted: true},
		`,"repository":null,"head_repository":{"id":-7}`:        {HeadRepoID: -7},
		`,"event":"push","event":null`:                          {},
		`,"created_at":` + stamp:                                {CreatedAt: at},
		`,"created_at":null,"run_started_at":` + stamp:          {StartedAt: at},
		`,"started_at":` + stamp:                                {StartedAt: at},
		`,"started_at":null,"updated_at":` + stamp:              {UpdatedAt: at},
		`,"created_at":"0001-01-01T00:00:00Z"`:                  {},
		`,"created_at":"1970-01-01T00:00:00Z"`:                  {},
		`,"started_at":"1970-01-01T01:00:00+01:00"`:             {},
		`,"run_number":null,"event":null,"status":null`:         {},
		`,"run_started_at":null,"started_at":` + stamp:          {StartedAt: at},
		`,"run_started_at":"1970-01-01T00:00:00Z","actor":null`: {},
	} {
		s := newStage(t, says(200, `{"id":1`+fields+`}`))
		got, err := s.client.Run(t.Context(), app, 1)
		want.ID, want.Repo = 1, app
		if diff := cmp.Diff(want, got); err != nil || diff != "" {
			t.Errorf("%s: %v\n%s", fields, err, diff)
		}
	}
	for fields, want := range map[string]artifact.Artifact{
		``:                         {},
		`,"workflow_run":null`:     {},
		`,"workflow_run":{}`:       {},
		`,"workflow_run":{"id":5}`: {Run: &artifact.RunRef{ID: 5}},
		`,"workflow_run":{"id":5,"repository_id":6,"head_repository_id":7}`:    {Run: &artifact.RunRef{ID: 5, RepoID: 6, HeadRepoID: 7}},
		`,"workflow_run":{"id":5,"repository_id":6,"head_repository_id":null}`: {Run: &artifact.RunRef{ID: 5, RepoID: 6, HeadRepoDeleted: true}},
		`,"created_at":null,"expires_at":"1970-01-01T00:00:00Z"`:               {},
		fmt.Sprintf(`,"created_at":%s,"expires_at":%[1]s`, stamp):              {CreatedAt: at, ExpiresAt: at},
	} {
		s := newStage(t, says(200, `{"id":1`+fields+`}`))
		got, err := s.client.Artifact(t.Context(), app, 1)
		want.ID, want.Repo = 1, app
		if diff := cmp.Diff(want, got); err != nil || diff != "" {
			t.Errorf("%s: %v\n%s", fields, err, diff)
		}
	}
}
