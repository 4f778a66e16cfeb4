package search

import (
	"errors"

	"github.com/artifetch/artifetch/internal/artifact"
)

// split returns the ids that may be of a repository, and the others.
func split(ids []int64, repos map[int64]artifact.Repo, repo artifact.Repo) (here, elsewhere []int64) {
	for _, id := range ids {
		if home, told := repos[id]; told && home != repo {
			elsewhere = append(elsewhere, id)
		} else {
			here = append(here, id)
		}
	}
	return here, elsewhere
}

// lookIn looks for ids in Repos[at], and returns the ids that are not there. If there
// are several repositories, that is no error. In the last of them the first such id
// ends the search, so the ids returned may then be only some of them.
func (r Request) lookIn(at int, ids []int64, look func(i int, id int64) error) ([]int64, error) {
	several, last := len(r.Repos) > 1, at == len(r.Repos)-1
	missed := make([]bool, len(ids))
	var g group
	for i, id := range ids {
		g.Go(func() error {
			err := look(i, id)
			if missed[i] = several && errors.Is(err, artifact.ErrNotFound); missed[i] && !last {
				return nil
			}
			return err
		})
	}
	err := g.Wait()
	var absent []int64
	for i, id := range ids {
		if missed[i] {
			absent = append(absent, id)
		}
	}
	if several && errors.Is(err, artifact.ErrNotFound) {
		err = nil
	}
	return absent, err
}

// unmet lists the runs that do not meet one of the request's conditions.
func (c Chooser) unmet(req Request, runs []artifact.Run) []Unmet {
	conditions := filter{
		events: newOneOf(req.Events), actor: req.Actor, conclusions: newOneOf(req.Conclusions), number: req.RunNumber,
		notBefore: maxAge(req.MaxAge, c.now()), allowForks: true, // a fork is warned of in any case
	}
	var list []Unmet
	for _, r := range runs {
		if why := conditions.refuse(r); why != "" && !r.Stub {
			list = append(list, Unmet{Run: r, Reason: why})
		}
	}
	return list
}
