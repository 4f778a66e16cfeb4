package githubsim

import (
	"context"
	"crypto/tls"
	"encoding/pem"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// server is one of the two hosts.
type server struct {
	*httptest.Server
	url      string // as clients see it
	far      *distance
	accepted atomic.Int64
	resumed  atomic.Int64
}

// newServer starts a host.
func newServer(h http.Handler, secure, http2 bool, roundTrip time.Duration) *server {
	s := &server{Server: httptest.NewUnstartedServer(h)}
	s.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateNew {
			s.accepted.Add(1)
		}
	}
	if secure {
		s.EnableHTTP2 = http2
		s.TLS = &tls.Config{MinVersion: tls.VersionTLS12, VerifyConnection: func(c tls.ConnectionState) error {
			if c.DidResume {
				s.resumed.Add(1)
			}
			return nil
		}}
		s.StartTLS()
	} else {
		s.Start()
	}
	s.url = s.URL
	if roundTrip > 0 {
		s.far = newDistance(s.Listener.Addr().String(), roundTrip)
		s.url = strings.Replace(s.URL, s.Listener.Addr().String(), s.far.ln.Addr().String(), 1)
	}
	return s
}

func (s *server) close() {
	if s.far != nil {
		s.far.close()
	}
	s.CloseClientConnections()
	s.Close()
}

// Connections returns how many connections a host accepted.
func (s *Sim) Connections(h Host) int { return int(s.server(h).accepted.Load()) }

// Resumed returns how many connections of a host resumed a TLS session.
func (s *Sim) Resumed(h Host) int { return int(s.server(h).resumed.Load()) }

// CA returns the certificate of both hosts as PEM, if they speak TLS.
func (s *Sim) CA() []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.api.Certificate().Raw})
}

func (s *Sim) server(h Host) *server {
	if h == API {
		return s.api
	}
	return s.storage
}

// distance makes a server far away: everything that is sent arrives half a round trip
// later, and a connection is there after a whole one, as if TCP's handshake took it.
type distance struct {
	ln        net.Listener
	to        string
	roundTrip time.Duration
	ctx       context.Context
	cancel    context.CancelFunc
	running   sync.WaitGroup
}

func newDistance(to string, roundTrip time.Duration) *distance {
	ctx, cancel := context.WithCancel(context.Background())
	ln, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		panic(err) // as httptest does
	}
	d := &distance{ln: ln, to: to, roundTrip: roundTrip, ctx: ctx, cancel: cancel}
	d.running.Go(func() {
		for {
			c, err := ln.Accept()
			if err != nil {
				return
			}
			d.running.Go(func() { d.carry(c) })
		}
	})
	return d
}

// close ends all connections.
func (d *distance) close() {
	d.cancel()
	_ = d.ln.Close()
	d.running.Wait()
}

// carry carries a connection's bytes to the server and back.
func (d *distance) carry(near net.Conn) {
	defer func() { _ = near.Close() }()
	start := time.Now()
	far, err := new(net.Dialer).DialContext(d.ctx, "tcp", d.to)
	if err != nil {
		return
	}
	defer func() { _ = far.Close() }()
	stop := context.AfterFunc(d.ctx, func() {
		_ = near.Close()
		_ = far.Close()
	})
	defer stop()
	var both sync.WaitGroup
	both.Go(func() { d.delay(far, near, start.Add(d.roundTrip)) })
	both.Go(func() { d.delay(near, far, start) })
	both.Wait()
}

// delay copies what arrives from one connection to the other, half a round trip later, as
// if it had been sent at first or later.
func (d *distance) delay(to, from net.Conn, first time.Time) {
	type packet struct {
		data []byte
		due  time.Time
	}
	packets := make(chan packet, 1<<10)
	var sending sync.WaitGroup
	sending.Go(func() {
		for p := range packets {
			select {
			case <-time.After(time.Until(p.due)):
				_, _ = to.Write(p.data)
			case <-d.ctx.Done():
			}
		}
		if tcp, ok := to.(*net.TCPConn); ok {
			_ = tcp.CloseWrite()
		}
	})
	for {
		buf := make([]byte, 64<<10)
		n, err := from.Read(buf)
		sent := time.Now()
		if sent.Before(first) {
			sent = first
		}
		packets <- packet{buf[:n], sent.Add(d.roundTrip / 2)}
		if err != nil {
			break // also with io.EOF: what was sent before still arrives
		}
	}
	close(packets)
	sending.Wait()
}
