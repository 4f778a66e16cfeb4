package httpx

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"io/fs"
	"net"
	"strings"
	"time"
)

type temporaryError struct {
	err   error
	after time.Duration
}

func (e *temporaryError) Error() string { return e.err.Error() }
func (e *temporaryError) Unwrap() error { return e.err }

// Temporary marks err as worth another try, but not before after has
// passed; 0 leaves the pause to the policy.
func Temporary(err error, after time.Duration) error { return &temporaryError{err, after} }

// RetryAfter is the pause that Temporary was told, or 0.
func RetryAfter(err error) time.Duration {
	if t, ok := errors.AsType[*temporaryError](err); ok {
		return t.after
	}
	return 0
}

// IsTemporary tells whether another try may help: err was marked by
// Temporary, or is a fault of the network. A context that was cancelled, a
// disk error, a certificate that is not trusted, a host that does not exist
// and a connection that the system forbids are not temporary. (Time-outs of
// net/http match context.DeadlineExceeded, so that one is for the owner of
// the context to tell.)
func IsTemporary(err error) bool {
	if _, ok := errors.AsType[*temporaryError](err); ok {
		return true
	}
	if _, ok := errors.AsType[*StallError](err); ok {
		return true
	}
	if errors.Is(err, context.Canceled) || errors.Is(err, fs.ErrPermission) {
		return false
	}
	if _, ok := errors.AsType[*tls.CertificateVerificationError](err); ok {
		return false
	}
	if dns, ok := errors.AsType[*net.DNSError](err); ok {
		return dns.IsTemporary || dns.IsTimeout
	}
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || isHTTP2Fault(err) {
		return true
	}
	if op, ok := errors.AsType[*net.OpError](err); ok && !op.Timeout() {
		return isConnectionFault(op)
	}
	timeout, ok := errors.AsType[net.Error](err)
	return ok && timeout.Timeout()
}

// isConnectionFault tells a connection that could not be made or that broke
// from an address that is wrong and from an alert of TLS, which both come as
// a *net.OpError, too. It goes by the operation, since the numbers of the
// systems differ (Windows has its own for each).
func isConnectionFault(op *net.OpError) bool {
	if _, ok := errors.AsType[*net.AddrError](op.Err); ok {
		return false
	}
	switch op.Op {
	case "dial", "read", "write":
		return true
	case "proxyconnect":
		return IsTemporary(op.Err)
	}
	return false
}

// http2StreamError has the fields of net/http's own unexported type, which
// converts itself to any such struct in errors.As.
type http2StreamError struct {
	StreamID uint32
	Code     uint32
	Cause    error
}

func (http2StreamError) Error() string { return "HTTP/2 stream error" }

// isHTTP2Fault tells a stream that the server broke off, a server that goes
// away, and a connection that answers no ping. net/http has no exported type
// or value for the last two, only their text.
func isHTTP2Fault(err error) bool {
	if _, ok := errors.AsType[http2StreamError](err); ok {
		return true
	}
	text := err.Error()
	return strings.Contains(text, "http2: client connection lost") || strings.Contains(text, "http2: server sent GOAWAY")
}
