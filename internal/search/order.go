package search

import (
	"slices"
	"time"
)

// unread is the frontier of a list of which nothing can be told yet.
var unread = time.Date(9999, 12, 31, 0, 0, 0, 0, time.UTC)

// order is what the times of a list's items, in the server's order, show. No order is
// documented, so a list has to look like one that is newest first before anything is
// concluded from it:
//
//   - Its times fall, and by more than the slack. Items that all are of about the same
//     time may be in any order, and a list that begins with its oldest items is not
//     newest first.
//   - At most one item in ten is out of place by more than the slack. Such an item is
//     suspect: it says nothing of the list.
//   - Nothing is concluded from the last items read before others confirm them.
//
// A list that is newest first so far may still have a newer item further down. So what
// an order shows is cross-checked, and only the end of a list proves anything.
type order struct {
	slack time.Duration
	read  int // items that have a time
	// first and last are the times of the first and of the last item that was read.
	first, last time.Time
	// trusted are the times of the items that are not suspect, in the list's order.
	// least[i] is the oldest of trusted[:i+1].
	trusted, least []time.Time
	suspects       int
}

const (
	// perSuspect is how many items a list has for each one that is out of place.
	perSuspect = 10
	// confirmed is how many items have to be at least as old as the frontier.
	confirmed = 3
	// crowd is how many items an item has to contradict to be suspect itself; fewer
	// are suspect in its place.
	crowd = 3
)

// add takes in the time of the next item. An item without a time shows nothing.
func (o *order) add(t time.Time) {
	if t.IsZero() {
		return
	}
	if o.read++; o.read == 1 {
		o.first = t
	}
	o.last = t
	contradicted, from := 0, len(o.trusted)
	for i := len(o.trusted) - 1; i >= 0 && contradicted < crowd && o.after(t, o.least[i]); i-- {
		if o.after(t, o.trusted[i]) {
			contradicted++
			from = i
		}
	}
	if contradicted == crowd {
		o.suspects++
		return
	}
	rest := slices.DeleteFunc(slices.Clone(o.trusted[from:]), func(u time.Time) bool { return o.after(t, u) })
	o.suspects += contradicted
	o.trusted, o.least = o.trusted[:from], o.least[:from]
	for _, u := range append(rest, t) {
		o.trusted = append(o.trusted, u)
		if from > 0 {
			u = minTime(u, o.least[from-1])
		}
		o.least = append(o.least, u)
		from++
	}
}

// after reports whether t is too late to come after an item of time u.
func (o *order) after(t, u time.Time) bool { return t.After(u.Add(o.slack)) }

// frontier returns the time after which all items were read, going by the order, or
// unread.
func (o *order) frontier() time.Time {
	n := len(o.trusted)
	if n < confirmed || o.suspects*perSuspect > o.read || o.last.After(o.first) {
		return unread
	}
	to := slices.MaxFunc(o.trusted[n-confirmed:], time.Time.Compare)
	if !o.after(o.trusted[0], to) {
		return unread
	}
	return to.Add(o.slack)
}

// disordered reports whether the list is known not to be newest first.
func (o *order) disordered() bool {
	return o.suspects*perSuspect > max(o.read, perSuspect) || o.read > 0 && o.last.After(o.first.Add(o.slack))
}

// strict reports whether at most one item in a hundred is out of place.
func (o *order) strict() bool { return o.suspects*perSuspect*perSuspect <= o.read }

func minTime(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}
