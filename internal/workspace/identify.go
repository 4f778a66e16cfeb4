package workspace

import "fmt"

// identified is a batch of steps that say what they move, or the error that ends the
// batches.
type identified struct {
	steps []step
	err   error
}

// identifyAll sends the steps of this stage that change the destination, batch after batch,
// until stop is closed, and closes batches in the end. It has descriptors of its own, since
// handles are not safe for concurrent use, and changes nothing.
func (c *carrier) identifyAll(plan *steps, batches chan<- identified, stop <-chan struct{}) {
	defer close(batches)
	send := func(b identified) bool {
		select {
		case batches <- b:
			return b.err == nil
		case <-stop:
			return false
		}
	}
	at, err := openHandles(c.stage.root)
	if err != nil {
		send(identified{err: fmt.Errorf("look at what was staged: %w", err)})
		return
	}
	defer func() { _ = at.close() }() // nothing was written through it
	sendSteps := func(some []step) bool { return send(identified{some, identify(at, some)}) }
	some := make([]step, 0, c.stage.batch)
	for st, err := range plan.all() {
		if err != nil {
			send(identified{err: err})
			return
		}
		if !c.stage.isPublic(&st) || !within(st.from, c.stage.dir) {
			continue
		}
		if some = append(some, st); len(some) < c.stage.batch {
			continue
		}
		if !sendSteps(some) {
			return
		}
		some = make([]step, 0, c.stage.batch)
	}
	if len(some) > 0 {
		sendSteps(some)
	}
}

// identify records what is about to be moved: the step's is.
func identify(at *handles, steps []step) error {
	for i := range steps {
		st := &steps[i]
		now, err := at.lstat(st.from)
		if err != nil {
			return fmt.Errorf("look at what was staged: %w", err)
		}
		st.is, st.dir = now.ident, now.IsDir()
		if st.dir {
			st.mode = modeOf(now)
		}
	}
	return nil
}
