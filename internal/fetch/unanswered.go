package fetch

import (
	"context"
	"slices"
	"sync"
)

// unanswered knows the requests that were sent and are not answered yet. It is safe for
// concurrent use. The zero unanswered is ready to use.
type unanswered struct {
	mu    sync.Mutex
	sent  int // requests so far
	open  int // of these, the unanswered ones
	waits []*answerWait
}

// answerWait waits for the answers of the requests that were unanswered when it began.
type answerWait struct {
	sent, open int // as those of unanswered, without the requests that were sent since
	served     chan bool
}

// add says that a request is sent. The caller calls answered once, when the head of the
// answer is there or the request failed; served says whether the storage serves the request.
func (u *unanswered) add() (answered func(served bool)) {
	u.mu.Lock()
	defer u.mu.Unlock()
	number := u.sent
	u.sent++
	u.open++
	return func(served bool) {
		u.mu.Lock()
		defer u.mu.Unlock()
		u.open--
		u.waits = slices.DeleteFunc(u.waits, func(w *answerWait) bool {
			if number >= w.sent {
				return false
			}
			w.open--
			if !served && w.open > 0 {
				return false
			}
			w.served <- served
			return true
		})
	}
}

// watch returns a wait for the requests that are unanswered now.
func (u *unanswered) watch() *answerWait {
	u.mu.Lock()
	defer u.mu.Unlock()
	w := &answerWait{u.sent, u.open, make(chan bool, 1)}
	if u.open == 0 {
		w.served <- false
	} else {
		u.waits = append(u.waits, w)
	}
	return w
}

// anyServed reports whether the storage serves any of the requests of several waits. It waits
// until one of them is served, all have failed, or ctx ends. It is called once.
func anyServed(ctx context.Context, waits []*answerWait) bool {
	var open []*answerWait
	for _, w := range waits {
		select {
		case served := <-w.served:
			if served {
				return true
			}
		default:
			open = append(open, w)
		}
	}
	for _, w := range open { // in the order in which they began, and mostly end
		select {
		case served := <-w.served:
			if served {
				return true
			}
		case <-ctx.Done():
			return false
		}
	}
	return false
}
