package app

import (
	"context"
	"errors"
	"maps"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/artifetch/artifetch/internal/artifact"
	"github.com/artifetch/artifetch/internal/githubapi"
	"github.com/artifetch/artifetch/internal/search"
)

// choices is how a request is answered again and again, as artifacts turn out
// to be gone although lists have them.
type choices struct {
	*job
	req   search.Request
	until time.Time // the end of the wait, for all choices together
	again int
}

func (j *job) newChoices() *choices {
	return &choices{job: j, req: j.request(), until: j.now().Add(j.cfg.Wait)}
}

// next chooses from what is not known to be gone.
func (c *choices) next(ctx context.Context) (*search.Plan, error) {
	return c.choose(ctx, c.req, c.until.Sub(c.now()))
}

// without notes that an artifact is gone, so that the next choice does without
// it. The more often that happens, the more of the other artifacts are asked for
// beforehand: many may have expired at once, and each choice takes requests.
func (c *choices) without(ctx context.Context, id int64, others []parcel) error {
	c.req.Gone = maps.Clone(c.req.Gone)
	c.req.Gone[id] = true
	ask := 0
	if c.again > 0 {
		ask = 1 << min(3*c.again, 20)
	}
	c.again++
	var unsure []artifact.Artifact
	for _, p := range others {
		if a := p.Artifact; p.by == nil && !c.req.Gone[a.ID] && len(unsure) < ask {
			unsure = append(unsure, a)
		}
	}
	gone := make([]bool, len(unsure))
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(maxRedirecting)
	for i, a := range unsure {
		g.Go(func() error {
			_, err := c.api.Download(ctx, a.Repo, a.ID)
			gone[i] = isGone(err)
			if gone[i] {
				return nil
			}
			return err
		})
	}
	err := g.Wait()
	for i, a := range unsure {
		if gone[i] {
			c.req.Gone[a.ID] = true
		}
	}
	return err
}

// isGone reports whether an artifact has expired.
func isGone(err error) bool {
	api, ok := errors.AsType[*githubapi.Error](err)
	return ok && api.Kind == githubapi.Gone
}
