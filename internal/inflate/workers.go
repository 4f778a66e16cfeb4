package inflate

import "sync"

// workers are goroutines that run the Scouts of one stream, each one after the other. A Scout
// may wait for the worker that finishes next: to wake a goroutine for it, on another core, may
// take as long as the Scout itself. Workers call take; the other methods are for the Decoder's
// goroutine.
type workers struct {
	scouts  *Scouts // counts the workers
	running sync.WaitGroup

	mu      sync.Mutex
	n       int
	waiting *Scout // or nil
}

// run starts a worker, which runs s first.
func (w *workers) run(s *Scout) {
	w.scouts.begin()
	w.mu.Lock()
	w.n++
	w.mu.Unlock()
	w.running.Go(func() {
		defer w.scouts.rest()
		for ; s != nil; s = w.take() {
			s.search()
			close(s.done)
		}
	})
}

// take returns the Scout that waits. If there is none, the worker has to end.
func (w *workers) take() *Scout {
	w.mu.Lock()
	defer w.mu.Unlock()
	s := w.waiting
	if w.waiting = nil; s == nil {
		w.n--
	}
	return s
}

// mayWait reports whether a Scout may wait: there is a worker, and no other one waits.
func (w *workers) mayWait() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.n > 0 && w.waiting == nil
}

// leave lets s wait, and reports whether there is a worker that will run it.
func (w *workers) leave(s *Scout) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.n > 0 {
		w.waiting = s
	}
	return w.n > 0
}

// withdraw takes s back, and reports whether it was still waiting.
func (w *workers) withdraw(s *Scout) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	waited := w.waiting == s
	if waited {
		w.waiting = nil
	}
	return waited
}
