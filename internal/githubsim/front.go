package githubsim

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"io"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"time"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"
)

// WireFault is a fault of a Front below the level of a Fault: of TLS or HTTP/2.
type WireFault int

// The faults of a connection, before it carries a request.
const (
	CloseAfterHandshake WireFault = iota + 1
	BadRecord                     // bytes that are no TLS record follow the handshake
	AlertInternalError            // in the handshake's place
	MalformedHead                 // HTTP/1 that is no answer follows the handshake
)

// The faults of a request.
const (
	GoAway        WireFault = iota + 100 // NO_ERROR, and no request was dealt with
	GoAwayError                          // INTERNAL_ERROR, and no request was dealt with
	GoAwayClose                          // INTERNAL_ERROR in the midst of the request, and the end of the connection
	RefusedStream                        // RST_STREAM, REFUSED_STREAM
	ResetInternal                        // RST_STREAM, INTERNAL_ERROR
	ProtocolReset                        // RST_STREAM, PROTOCOL_ERROR
	NoHead                               // no answer, though the connection lives
	SettingsFlood                        // no answer but SETTINGS
	PingFlood                            // no answer but PING
	DripHead                             // interim answers, and never the final one
	DripBody                             // a byte of the body now and then
)

// FrontOptions set up a Front.
type FrontOptions struct {
	// Each of Faults is met by one connection or request, in this order. Always is
	// met by all that follow.
	Faults []WireFault
	Always WireFault
	// NotBefore, NotAfter and Name are the certificate's. Zero values make it valid
	// for an hour and for 127.0.0.1.
	NotBefore, NotAfter time.Time
	Name                string
	// Listener is a Pipe; nil is a port of 127.0.0.1.
	Listener net.Listener
	// Tick is the pause between the frames of floods and drips; 0 means a
	// millisecond.
	Tick time.Duration
}

// Front is an HTTP/2 server with TLS in front of a handler. Its certificate is signed by
// its own certificate authority.
type Front struct {
	URL string
	CA  []byte // PEM

	opt     FrontOptions
	next    http.Handler
	tls     *tls.Config
	ln      net.Listener
	ctx     context.Context // until Close
	cancel  context.CancelFunc
	running sync.WaitGroup

	mu       sync.Mutex
	requests int
	conns    map[net.Conn]bool
	accepted int
	conn     []WireFault // still to come
	stream   []WireFault
}

// Front starts a Front for the API. Close it after use.
func (s *Sim) Front(opt FrontOptions) *Front {
	f := NewFront(s.api.Config.Handler, opt)
	if u, err := url.Parse(s.APIURL); err == nil {
		f.URL += u.Path
	}
	return f
}

// NewFront starts a Front. Close it after use.
func NewFront(next http.Handler, opt FrontOptions) *Front {
	cert, ca := certificate(opt)
	ctx, cancel := context.WithCancel(context.Background())
	ln := opt.Listener
	if ln == nil {
		var err error
		if ln, err = new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0"); err != nil {
			panic(err) // as httptest does
		}
	}
	f := &Front{
		URL: "https://" + ln.Addr().String(), CA: ca, opt: opt, next: next, ln: ln, conns: map[net.Conn]bool{}, ctx: ctx, cancel: cancel,
		tls: &tls.Config{Certificates: []tls.Certificate{cert}, NextProtos: []string{"h2"}, MinVersion: tls.VersionTLS12, MaxVersion: tls.VersionTLS12}, //nolint:gosec // its faults are made of records of TLS 1.2
	}
	for _, fault := range opt.Faults {
		if fault < GoAway {
			f.conn = append(f.conn, fault)
		} else {
			f.stream = append(f.stream, fault)
		}
	}
	f.running.Go(f.accept)
	return f
}

// Close ends all connections.
func (f *Front) Close() {
	f.cancel()
	_ = f.ln.Close()
	f.mu.Lock()
	for c := range f.conns {
		_ = c.Close()
	}
	f.mu.Unlock()
	f.running.Wait()
}

// Requests returns how many requests arrived.
func (f *Front) Requests() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.requests
}

// Connections returns how many connections were accepted.
func (f *Front) Connections() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.accepted
}

func (f *Front) accept() {
	for {
		c, err := f.ln.Accept()
		if err != nil {
			return
		}
		f.mu.Lock()
		f.accepted++
		f.conns[c] = true
		fault := nextFault(&f.conn, f.opt.Always, func(w WireFault) bool { return w < GoAway })
		f.mu.Unlock()
		f.running.Go(func() {
			f.serve(c, fault)
			_ = c.Close()
			f.mu.Lock()
			delete(f.conns, c)
			f.mu.Unlock()
		})
	}
}

// nextFault removes and returns the first fault of the list. If the list is empty it
// returns always, if that is of this kind, or else 0.
func nextFault(list *[]WireFault, always WireFault, kind func(WireFault) bool) WireFault {
	if len(*list) > 0 {
		first := (*list)[0]
		*list = (*list)[1:]
		return first
	}
	if kind(always) {
		return always
	}
	return 0
}

func (f *Front) serve(c net.Conn, fault WireFault) {
	if fault == AlertInternalError {
		_, _ = io.ReadFull(c, make([]byte, 5))
		_, _ = c.Write([]byte{21, 3, 3, 0, 2, 2, 80}) // alert, TLS 1.2, fatal, internal_error
		drain(c)
		return
	}
	config := f.tls
	if fault == MalformedHead {
		config = config.Clone()
		config.NextProtos = []string{"http/1.1"}
	}
	t := tls.Server(c, config)
	if t.HandshakeContext(f.ctx) != nil {
		return
	}
	switch fault {
	case CloseAfterHandshake:
	case BadRecord:
		_, _ = c.Write([]byte("\x17\x03\x03\x00\x20 these are no encrypted bytes at all"))
		drain(c)
	case MalformedHead:
		_, _ = t.Read(make([]byte, 4096))
		_, _ = io.WriteString(t, "HTP 200 fine\r\n\r\n")
	default:
		s := &frontConn{f: f, conn: t, framer: http2.NewFramer(t, t)}
		s.framer.ReadMetaHeaders = hpack.NewDecoder(4096, nil)
		s.serve()
	}
}

// drain reads to the end: a connection that is closed with unread bytes is reset, and
// bytes written to it may get lost.
func drain(c net.Conn) {
	if tcp, ok := c.(*net.TCPConn); ok {
		_ = tcp.CloseWrite()
	}
	_, _ = io.Copy(io.Discard, io.LimitReader(c, 1<<20))
}

// frontConn is one connection of HTTP/2.
type frontConn struct {
	f    *Front
	conn net.Conn
	wmu  sync.Mutex // of the framer's writes

	framer *http2.Framer
}

func (s *frontConn) serve() {
	preface := make([]byte, len(http2.ClientPreface))
	if _, err := io.ReadFull(s.conn, preface); err != nil {
		return
	}
	s.write(func(w *http2.Framer) error { return w.WriteSettings() })
	for {
		frame, err := s.framer.ReadFrame()
		if err != nil {
			return
		}
		switch frame := frame.(type) {
		case *http2.SettingsFrame:
			if !frame.IsAck() {
				s.write(func(w *http2.Framer) error { return w.WriteSettingsAck() })
			}
		case *http2.PingFrame:
			if !frame.IsAck() {
				s.write(func(w *http2.Framer) error { return w.WritePing(true, frame.Data) })
			}
		case *http2.MetaHeadersFrame:
			s.f.mu.Lock()
			s.f.requests++
			fault := nextFault(&s.f.stream, s.f.opt.Always, func(w WireFault) bool { return w >= GoAway })
			s.f.mu.Unlock()
			id, r := frame.StreamID, request(s.f.ctx, frame)
			s.f.running.Go(func() { s.answer(id, r, fault) })
		}
	}
}

// write writes frames and reports whether it could.
func (s *frontConn) write(frames func(w *http2.Framer) error) bool {
	s.wmu.Lock()
	defer s.wmu.Unlock()
	return frames(s.framer) == nil
}

// request returns the request of a header frame, without a body.
func request(ctx context.Context, h *http2.MetaHeadersFrame) *http.Request {
	target := h.PseudoValue("path")
	r := httptest.NewRequestWithContext(ctx, h.PseudoValue("method"), target, http.NoBody)
	r.Host = h.PseudoValue("authority")
	r.Proto, r.ProtoMajor, r.ProtoMinor = "HTTP/2.0", 2, 0
	for _, field := range h.RegularFields() {
		r.Header.Add(field.Name, field.Value)
	}
	return r
}

func (s *frontConn) answer(id uint32, r *http.Request, fault WireFault) {
	reset := func(code http2.ErrCode) {
		s.write(func(w *http2.Framer) error { return w.WriteRSTStream(id, code) })
	}
	switch fault {
	case GoAway:
		s.write(func(w *http2.Framer) error { return w.WriteGoAway(0, http2.ErrCodeNo, nil) })
	case GoAwayError:
		s.write(func(w *http2.Framer) error { return w.WriteGoAway(0, http2.ErrCodeInternal, []byte("debug")) })
	case GoAwayClose:
		s.write(func(w *http2.Framer) error { return w.WriteGoAway(id, http2.ErrCodeInternal, []byte("debug")) })
		_ = s.conn.Close()
	case RefusedStream:
		reset(http2.ErrCodeRefusedStream)
	case ResetInternal:
		reset(http2.ErrCodeInternal)
	case ProtocolReset:
		reset(http2.ErrCodeProtocol)
	case NoHead:
	case SettingsFlood:
		s.repeat(func(w *http2.Framer) error { return w.WriteSettings() })
	case PingFlood:
		s.repeat(func(w *http2.Framer) error { return w.WritePing(false, [8]byte{}) })
	case DripHead:
		s.repeat(func(w *http2.Framer) error { return s.head(w, id, http.StatusEarlyHints, nil, false) })
	default:
		rec := httptest.NewRecorder()
		s.f.next.ServeHTTP(rec, r)
		s.send(id, rec, fault)
	}
}

// repeat writes frames periodically, until the connection is closed or frames fails.
func (s *frontConn) repeat(frames func(w *http2.Framer) error) {
	tick := s.f.opt.Tick
	if tick == 0 {
		tick = time.Millisecond
	}
	t := time.NewTicker(tick)
	defer t.Stop()
	for s.write(frames) {
		select {
		case <-t.C:
		case <-s.f.ctx.Done():
			return
		}
	}
}

func (s *frontConn) send(id uint32, rec *httptest.ResponseRecorder, fault WireFault) {
	body := rec.Body.Bytes()
	if !s.write(func(w *http2.Framer) error { return s.head(w, id, rec.Code, rec.Header(), len(body) == 0) }) {
		return
	}
	if fault == DripBody {
		left := bytes.NewReader(body)
		s.repeat(func(w *http2.Framer) error {
			b, err := left.ReadByte()
			if err != nil {
				return err
			}
			return w.WriteData(id, left.Len() == 0, []byte{b})
		})
		return
	}
	for len(body) > 0 {
		n := min(len(body), 16<<10)
		if !s.write(func(w *http2.Framer) error { return w.WriteData(id, n == len(body), body[:n]) }) {
			return
		}
		body = body[n:]
	}
}

func (*frontConn) head(w *http2.Framer, id uint32, status int, h http.Header, end bool) error {
	var block bytes.Buffer
	enc := hpack.NewEncoder(&block)
	_ = enc.WriteField(hpack.HeaderField{Name: ":status", Value: strconv.Itoa(status)}) // into memory
	for k, values := range h {
		for _, v := range values {
			_ = enc.WriteField(hpack.HeaderField{Name: strings.ToLower(k), Value: v})
		}
	}
	return w.WriteHeaders(http2.HeadersFrameParam{StreamID: id, BlockFragment: block.Bytes(), EndHeaders: true, EndStream: end})
}

// certificate returns a certificate for the server, and its PEM.
func certificate(opt FrontOptions) (tls.Certificate, []byte) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		panic(err)
	}
	from, to := opt.NotBefore, opt.NotAfter
	if to.IsZero() {
		from, to = time.Now().Add(-time.Minute), time.Now().Add(time.Hour)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "githubsim", Organization: []string{"Simulated Authority"}},
		NotBefore: from, NotAfter: to, KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign, IsCA: true, BasicConstraintsValid: true,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	if opt.Name != "" {
		template.DNSNames = []string{opt.Name}
	} else {
		template.IPAddresses = []net.IP{net.IPv4(127, 0, 0, 1)}
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		panic(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
}
