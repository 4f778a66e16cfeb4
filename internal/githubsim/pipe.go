package githubsim

import (
	"bytes"
	"context"
	"io"
	"net"
	"sync"
	"time"
)

// Pipe is a network in memory. Tests with simulated time (testing/synctest) need it: time
// does not advance while a goroutine waits for a real connection.
type Pipe struct {
	conns  chan net.Conn
	closed chan struct{}
	once   sync.Once
}

// NewPipe returns a Pipe.
func NewPipe() *Pipe {
	return &Pipe{conns: make(chan net.Conn), closed: make(chan struct{})}
}

// DialContext is for http.Transport. It connects every address to the Pipe's listener.
func (p *Pipe) DialContext(ctx context.Context, _, _ string) (net.Conn, error) {
	toServer, toClient := newHalf(), newHalf()
	client, server := &pipeConn{r: toClient, w: toServer}, &pipeConn{r: toServer, w: toClient}
	select {
	case p.conns <- server:
		return client, nil
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	case <-p.closed:
		return nil, net.ErrClosed
	}
}

// Accept implements net.Listener.
func (p *Pipe) Accept() (net.Conn, error) {
	select {
	case c := <-p.conns:
		return c, nil
	case <-p.closed:
		return nil, net.ErrClosed
	}
}

// Close implements net.Listener.
func (p *Pipe) Close() error {
	p.once.Do(func() { close(p.closed) })
	return nil
}

// Addr implements net.Listener.
func (*Pipe) Addr() net.Addr { return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 443} }

// half is one direction of a connection. Like a kernel it has a buffer, so that both ends
// can write at the same time.
type half struct {
	mu     sync.Mutex
	moved  *sync.Cond
	buffer bytes.Buffer
	closed bool
}

func newHalf() *half {
	h := &half{}
	h.moved = sync.NewCond(&h.mu)
	return h
}

func (h *half) close() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.closed = true
	h.moved.Broadcast()
}

// pipeConn is one end of a connection. It ignores deadlines; closing it ends reads.
type pipeConn struct{ r, w *half }

func (c *pipeConn) Read(p []byte) (int, error) {
	c.r.mu.Lock()
	defer c.r.mu.Unlock()
	for c.r.buffer.Len() == 0 && !c.r.closed {
		c.r.moved.Wait()
	}
	if c.r.buffer.Len() == 0 {
		return 0, io.EOF
	}
	return c.r.buffer.Read(p)
}

func (c *pipeConn) Write(p []byte) (int, error) {
	c.w.mu.Lock()
	defer c.w.mu.Unlock()
	if c.w.closed {
		return 0, io.ErrClosedPipe
	}
	defer c.w.moved.Broadcast()
	return c.w.buffer.Write(p)
}

func (c *pipeConn) Close() error {
	c.r.close()
	c.w.close()
	return nil
}

func (*pipeConn) LocalAddr() net.Addr              { return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)} }
func (*pipeConn) RemoteAddr() net.Addr             { return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)} }
func (*pipeConn) SetDeadline(time.Time) error      { return nil }
func (*pipeConn) SetReadDeadline(time.Time) error  { return nil }
func (*pipeConn) SetWriteDeadline(time.Time) error { return nil }
