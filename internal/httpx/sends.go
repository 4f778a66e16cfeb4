package httpx

import (
	"context"
	"fmt"
	"net/http/httptrace"
	"sync/atomic"
)

// maxSends bounds how many connections net/http may take for one request: one, and
// two more in place of idle connections that turn out to be closed, as they often
// do.
const maxSends = 3

// RepeatError means that net/http was stopped from repeating a request.
//
// net/http repeats a request that the server has not processed: after GOAWAY,
// REFUSED_STREAM, or the end of an idle connection. After GOAWAY with NO_ERROR it
// does so without a pause or a bound (the loop of Transport.roundTrip around
// http2Transport.RoundTripOpt, whose own count starts again each time), so a
// server that answers every request like that would be asked for ever. Ending the
// request with this error leaves retries to the caller's policy.
type RepeatError struct {
	Sends int
}

func (e *RepeatError) Error() string {
	return fmt.Sprintf("the server closed %d connections in a row without an answer", e.Sends)
}

// boundSends returns a context that ends with a *RepeatError when net/http takes one
// connection too many for its request. It calls connected for each connection. The caller
// has to call release.
func boundSends(parent context.Context, connected func()) (ctx context.Context, release func()) {
	ctx, cancel := context.WithCancelCause(parent)
	var taken atomic.Int32
	return httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		GotConn: func(httptrace.GotConnInfo) {
			connected()
			if taken.Add(1) > maxSends {
				cancel(&RepeatError{Sends: maxSends})
			}
		},
	}), func() { cancel(nil) }
}
