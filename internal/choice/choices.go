package choice

import (
	"context"
	"errors"
	"maps"
	"time"

	"github.com/artifetch/artifetch/internal/artifact"
	"github.com/artifetch/artifetch/internal/githubapi"
	"github.com/artifetch/artifetch/internal/httpx"
	"github.com/artifetch/artifetch/internal/search"
	"github.com/artifetch/artifetch/internal/transfer"
)

// Server has the runs and artifacts to choose from.
type Server interface {
	search.Source
	// Repository fails unless the repository exists and may be seen.
	Repository(ctx context.Context, repo artifact.Repo) error
	// Ahead returns how far the server's clock is ahead of ours, by its newest answer.
	Ahead() time.Duration
}

// Options set up Choices.
type Options struct {
	Server  Server
	Request search.Request
	// Wait is how long to wait for what is not there yet. For Pause and Notify see
	// search.Wait.
	Wait   time.Duration
	Now    func() time.Time
	Pause  func(ctx context.Context, d time.Duration) error
	Notify func(err error, pause time.Duration)
	// Early is search.Chooser's; it may be nil.
	Early func(artifact.Artifact)
	// Expired returns the ids of the artifacts that have expired.
	Expired func(ctx context.Context, artifacts []artifact.Artifact) ([]int64, error)
}

// Choices answers a request. It answers again whenever an artifact turns out to have
// expired although lists still show it.
type Choices struct {
	opt   Options
	req   search.Request
	until time.Time // the end of the wait, for all choices together
	again int       // how many choices had an artifact that had expired
}

// New makes Choices. The wait begins now.
func New(opt Options) *Choices {
	return &Choices{opt: opt, req: opt.Request, until: opt.Now().Add(opt.Wait)}
}

// Next chooses among the artifacts that are not known to have expired. It waits for as long
// as Options.Wait still allows. Its errors are search.Chooser's and the Server's.
func (c *Choices) Next(ctx context.Context) (*search.Plan, error) {
	// Times of the server are compared with the server's clock.
	chooser := search.Chooser{Source: c.opt.Server, Now: func() time.Time { return c.opt.Now().Add(c.opt.Server.Ahead()) }, Early: c.opt.Early}
	wait := search.Wait{For: c.until.Sub(c.opt.Now()), Now: c.opt.Now, Notify: c.opt.Notify, Passing: passing, Pause: c.opt.Pause}
	req := c.req
	return search.Await(ctx, wait, func(ctx context.Context, brief bool) (*search.Plan, error) {
		req.Brief = brief
		plan, err := chooser.Choose(ctx, req)
		if err != nil {
			err = c.tellApart(ctx, err)
		}
		return plan, err
	})
}

// passing reports whether an error of the API may pass with time: the server, or the
// network to it, failed for longer than one request is retried.
func passing(err error) bool {
	api, ok := errors.AsType[*githubapi.Error](err)
	return ok && (api.Kind == githubapi.ServerError || api.Kind == githubapi.Network && httpx.IsTemporary(api.Err))
}

// tellApart interprets a 404. GitHub gives the same answer for a run that does not exist
// and for a repository that the token may not see. Only the missing run is "nothing
// found"; a policy that ignores it must not hide the other.
func (c *Choices) tellApart(ctx context.Context, err error) error {
	api, ok := errors.AsType[*githubapi.Error](err)
	if !ok || api.Kind != githubapi.NotFound || api.Subject == "" {
		return err
	}
	if repoErr := c.opt.Server.Repository(ctx, api.Repo); repoErr != nil {
		return repoErr
	}
	// The server may not know a new id yet. Waiting for anything else is of no use.
	byID := len(c.req.RunIDs) > 0 || len(c.req.ArtifactIDs) > 0
	return &search.NotFoundError{Repo: api.Repo, What: api.Subject, Permission: string(api.Needs), Settled: byID, Final: !byID}
}

// Without notes that an artifact has expired, so that the next choice leaves it out. others
// are the other artifacts that were chosen. The more often this happens, the more of them
// it checks in advance: many may have expired at the same time, and each new choice costs
// requests.
func (c *Choices) Without(ctx context.Context, id int64, others []transfer.Item) error {
	c.req.Gone = maps.Clone(c.req.Gone)
	c.req.Gone[id] = true
	ask := 0
	if c.again > 0 {
		ask = 1 << min(3*c.again, 20)
	}
	c.again++
	var unsure []artifact.Artifact
	for _, item := range others {
		if a := item.Artifact; !item.Fetched() && !c.req.Gone[a.ID] && len(unsure) < ask {
			unsure = append(unsure, a)
		}
	}
	expired, err := c.opt.Expired(ctx, unsure)
	for _, id := range expired {
		c.req.Gone[id] = true
	}
	return err
}
