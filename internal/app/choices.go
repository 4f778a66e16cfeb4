package app

import (
	"context"
	"maps"
	"time"

	"github.com/artifetch/artifetch/internal/artifact"
	"github.com/artifetch/artifetch/internal/search"
	"github.com/artifetch/artifetch/internal/transfer"
)

// choices answers a request. It answers again whenever an artifact turns out to have
// expired although lists still show it.
type choices struct {
	job   *job
	req   search.Request
	until time.Time               // the end of the wait, for all choices together
	again int                     // how many choices had an artifact that had expired
	early func(artifact.Artifact) // see search.Chooser; may be nil
}

func (j *job) newChoices() *choices {
	return &choices{job: j, req: j.request(), until: j.now().Add(j.cfg.Wait)}
}

// next chooses among the artifacts that are not known to have expired. It waits for as long
// as the input wait still allows.
func (c *choices) next(ctx context.Context) (*search.Plan, error) {
	return c.job.choose(ctx, c.req, c.until.Sub(c.job.now()), c.early)
}

// without notes that an artifact has expired, so that the next choice leaves it out.
// The more often this happens, the more of the other artifacts it checks in advance:
// many may have expired at the same time, and each new choice costs requests.
func (c *choices) without(ctx context.Context, engine *transfer.Engine, id int64, others []transfer.Item) error {
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
	expired, err := engine.Expired(ctx, unsure)
	for _, id := range expired {
		c.req.Gone[id] = true
	}
	return err
}
