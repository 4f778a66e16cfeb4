package httpx

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"io/fs"
	"net"
	"net/http"
	"net/url"
	"time"
)

type temporaryError struct {
	err   error
	after time.Duration
}

func (e *temporaryError) Error() string { return e.err.Error() }
func (e *temporaryError) Unwrap() error { return e.err }

// Temporary marks err as worth another try after a pause of at least after; 0
// leaves the pause to the policy.
func Temporary(err error, after time.Duration) error { return &temporaryError{err, after} }

// RetryAfter returns the pause that err was marked with by Temporary, or 0.
func RetryAfter(err error) time.Duration {
	if t, ok := errors.AsType[*temporaryError](err); ok {
		return t.after
	}
	return 0
}

// TransportError is a failure of a Transport, or of reading the body of its
// answer: a fault of the network, of TLS or of HTTP, whatever type net/http gives
// it. Errors of the disk or of the caller never have this type.
type TransportError struct{ Err error }

func (e *TransportError) Error() string { return e.Err.Error() }
func (e *TransportError) Unwrap() error { return e.Err }

// IsTemporary reports whether another try may help: after an error that was marked
// by Temporary, and after every fault of the network that isPermanent does not
// list. A *TransportError is a fault of the network; for clients with a transport
// of another kind, so are errors of package net, broken streams and an early end.
// Everything else, such as a full disk, is permanent. Time-outs of net/http match
// context.DeadlineExceeded, so callers have to check their context themselves.
func IsTemporary(err error) bool {
	if _, ok := errors.AsType[*temporaryError](err); ok {
		return true
	}
	if _, ok := errors.AsType[*StallError](err); ok {
		return true
	}
	if isPermanent(err) {
		return false
	}
	if _, ok := errors.AsType[*TransportError](err); ok {
		return true
	}
	if _, ok := errors.AsType[*net.OpError](err); ok {
		return true
	}
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return true
	}
	if _, ok := errors.AsType[http2StreamError](err); ok {
		return true
	}
	timeout, ok := errors.AsType[net.Error](err)
	return ok && timeout.Timeout()
}

// http2StreamError has the fields of net/http's own unexported type, which
// converts itself to any such struct in errors.As (https://go.dev/issue/53896).
type http2StreamError struct {
	StreamID uint32
	Code     uint32
	Cause    error
}

func (http2StreamError) Error() string { return "HTTP/2 stream error" }

// isPermanent reports whether a fault of the network will recur: the caller gave
// up, a certificate fails verification, the proxy refuses (temporary refusals are
// marked by Temporary), the address is wrong, or the system forbids the
// connection. A host name that does not exist is a wrong address; a failed look-up
// is not.
func isPermanent(err error) bool {
	if errors.Is(err, context.Canceled) || errors.Is(err, fs.ErrPermission) || errors.Is(err, http.ErrSchemeMismatch) {
		return true
	}
	if _, ok := errors.AsType[*tls.CertificateVerificationError](err); ok {
		return true
	}
	if _, ok := errors.AsType[*ProxyError](err); ok {
		return true
	}
	if dns, ok := errors.AsType[*net.DNSError](err); ok {
		return dns.IsNotFound && !dns.IsTemporary && !dns.IsTimeout
	}
	return isBadAddress(err)
}

func isBadAddress(err error) bool {
	if _, ok := errors.AsType[*net.AddrError](err); ok {
		return true
	}
	if _, ok := errors.AsType[*net.ParseError](err); ok {
		return true
	}
	if _, ok := errors.AsType[net.UnknownNetworkError](err); ok {
		return true
	}
	if _, ok := errors.AsType[net.InvalidAddrError](err); ok {
		return true
	}
	if _, ok := errors.AsType[url.InvalidHostError](err); ok {
		return true
	}
	if _, ok := errors.AsType[url.EscapeError](err); ok {
		return true
	}
	u, ok := errors.AsType[*url.Error](err)
	return ok && u.Op == "parse"
}
