package report

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/http"
	"time"

	"github.com/artifetch/artifetch/internal/httpx"
	"github.com/artifetch/artifetch/internal/words"
)

// networkHint returns the advice for a server that could not be reached. api says
// that the server is the API, whose address is an input; else it is the storage. The
// advice is empty if only the network or the server can be at fault.
func (a audience) networkHint(err error, api bool) string {
	address := "the name that GitHub gave for its storage, which a firewall or a DNS filter may not know"
	if api {
		address = a.name("github-api-url")
	}
	if errors.Is(err, context.Canceled) {
		return ""
	}
	if hint := a.certificateHint(err, address); hint != "" {
		return hint
	}
	if hint := proxyHint(err); hint != "" {
		return hint
	}
	if dns, ok := errors.AsType[*net.DNSError](err); ok {
		if dns.IsNotFound {
			return fmt.Sprintf("There is no host %s: check %s, and %s's DNS", short(dns.Name), address, a.machine())
		}
		return fmt.Sprintf("The name %s could not be looked up: check %s's DNS", short(dns.Name), a.machine())
	}
	if errors.Is(err, http.ErrSchemeMismatch) {
		return fmt.Sprintf("The server speaks http there, not https: check %s, with its port, and whether a proxy answers in the server's place", address)
	}
	if op, ok := errors.AsType[*net.OpError](err); ok && op.Op == "dial" {
		where := "The server"
		if op.Addr != nil {
			where = op.Addr.String()
		}
		if errors.Is(err, fs.ErrPermission) {
			return "The system forbids the connection to " + where + ": check " + a.machine() + "'s firewall or sandbox"
		}
		return fmt.Sprintf("%s takes no connections: check %s, %s's firewall, and whether a proxy is needed (HTTPS_PROXY)", where, address, a.machine())
	}
	_, alert := errors.AsType[tls.AlertError](err)
	_, record := errors.AsType[tls.RecordHeaderError](err)
	if alert || record {
		return fmt.Sprintf("The two sides could not agree on TLS: check %s, with its port, and whether a proxy in between inspects TLS", address)
	}
	return ""
}

// certificateHint returns the advice for a certificate that was not accepted.
func (a audience) certificateHint(err error, address string) string {
	if unknown, ok := errors.AsType[x509.UnknownAuthorityError](err); ok {
		by := ""
		if unknown.Cert != nil {
			by = fmt.Sprintf(" (it was issued by %q)", short(unknown.Cert.Issuer.String()))
		}
		return "No certificate authority that is trusted here issued the certificate" + by + ". If your server's or your proxy's private authority did, " +
			"give that authority's certificate with " + a.name("ca-cert") + " or SSL_CERT_FILE"
	}
	if invalid, ok := errors.AsType[x509.CertificateInvalidError](err); ok && invalid.Reason == x509.Expired && invalid.Cert != nil {
		stamp := func(t time.Time) string { return t.UTC().Format(time.DateTime + " MST") }
		return fmt.Sprintf("The certificate is valid from %s to %s, and the clock here says %s: if that is wrong, set %s's clock; if not, the server needs a new certificate",
			stamp(invalid.Cert.NotBefore), stamp(invalid.Cert.NotAfter), stamp(time.Now()), a.machine())
	}
	if _, ok := errors.AsType[x509.HostnameError](err); ok {
		return fmt.Sprintf("The certificate is for another host: check %s, and whether a proxy answers in the server's place", address)
	}
	if _, ok := errors.AsType[*tls.CertificateVerificationError](err); ok {
		return "The certificate of the server, or of one of its authorities, is not valid for this use: the server needs another one or, if a proxy in between inspects TLS, " + a.name("ca-cert") + " needs that proxy's authority"
	}
	return ""
}

// proxyHint returns the advice for a proxy that refuses, or cannot be reached.
func proxyHint(err error) string {
	if refused, ok := errors.AsType[*httpx.ProxyError](err); ok {
		variable := "HTTPS_PROXY"
		if refused.Plain {
			variable = "HTTP_PROXY"
		}
		around := fmt.Sprintf("or list the host in NO_PROXY if it can be reached without %s", refused.Proxy)
		switch {
		case refused.Status == http.StatusProxyAuthRequired:
			return fmt.Sprintf("The proxy %s wants a user and a password: give them in %s (http://USER:PASSWORD@HOST:PORT), %s", refused.Proxy, variable, around)
		case httpx.TemporaryStatus(refused.Status):
			return fmt.Sprintf("The proxy %s, which %s names, did not reach %s: ask whoever runs it, %s", refused.Proxy, variable, short(refused.Host), around)
		}
		return fmt.Sprintf("The proxy %s, which %s names, does not let requests through to %s: have the host allowed there, %s", refused.Proxy, variable, short(refused.Host), around)
	}
	if op, ok := errors.AsType[*net.OpError](err); ok && op.Op == "proxyconnect" {
		where := "The proxy"
		if dial, ok := errors.AsType[*net.OpError](op.Err); ok && dial.Addr != nil {
			where += " " + dial.Addr.String()
		}
		if dns, ok := errors.AsType[*net.DNSError](op.Err); ok {
			where += " " + short(dns.Name)
		}
		return where + " cannot be reached: check HTTPS_PROXY (HTTP_PROXY for an http address), or list the host in NO_PROXY if it can be reached without a proxy"
	}
	return ""
}

// short cuts a text that a server or a certificate chose.
func short(text string) string { return words.Cut(text, 256) }
