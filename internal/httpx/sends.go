package httpx

import (
	"context"
	"fmt"
	"net/http/httptrace"
	"sync/atomic"
)

// maxSends is how often net/http may take a connection for one request: once,
// and twice more for a connection that turns out to be closed, which is common
// for idle ones.
const maxSends = 3

// RepeatError says that net/http was stopped from repeating a request.
//
// It repeats requests by itself where the server says, or the connection
// shows, that they were not dealt with: GOAWAY, REFUSED_STREAM, an idle
// connection that is closed. Of GOAWAY with NO_ERROR it does so without a
// pause, a bound or a word (the loop of Transport.roundTrip in net/http around
// http2Transport.RoundTripOpt, whose own count starts again each time), so that
// a server which answers each request so is asked for ever. The caller's
// policy, which pauses, counts and tells, takes over instead.
type RepeatError struct {
	Sends int
}

func (e *RepeatError) Error() string {
	return fmt.Sprintf("the server closed %d connections in a row without an answer", e.Sends)
}

// boundSends returns a context that ends with a *RepeatError when a request
// under it would go out once too often. It has to be released.
func boundSends(parent context.Context) (ctx context.Context, release func()) {
	ctx, cancel := context.WithCancelCause(parent)
	var taken atomic.Int32
	return httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		GotConn: func(httptrace.GotConnInfo) {
			if taken.Add(1) > maxSends {
				cancel(&RepeatError{Sends: maxSends})
			}
		},
	}), func() { cancel(nil) }
}
