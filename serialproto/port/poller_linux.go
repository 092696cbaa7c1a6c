package port

import (
	"errors"
	"os"
	"sync"

	"golang.org/x/sys/unix"
)

// What a line waits for. Edges, so that output which has room, as it nearly always has, is told once and not for ever. The
// system adds EPOLLHUP and EPOLLERR, but wakes up for a hang-up only those who wait for input or output
// (tty_ldisc_hangup): a line that wants to hear of nothing else waits for output.
const (
	awaitAll    = unix.EPOLLIN | unix.EPOLLOUT | unix.EPOLLET
	awaitHangUp = unix.EPOLLOUT | unix.EPOLLET
)

// lines are the open lines of this process. They are one set as the runtime's descriptors are: one wait serves them all.
var lines poller

// poller tells lines when their descriptor has something for them. The runtime's own poller would be woken up by every
// byte, read or not, since it always asks for all that happens to a descriptor. It is what this one waits in: an idle
// poller costs neither a thread nor a wake-up, and one without lines neither a descriptor nor a goroutine.
type poller struct {
	mu   sync.Mutex
	file *os.File          // of epoll; nil while there are no lines
	epfd int               // of file
	ends map[int32]*events // by descriptor
}

// events is what one line is told of.
type events struct {
	in, out chan struct{} // hold one token each: look again, something may have come, or may have room
	hungUp  chan struct{} // closed once the other end has hung up, after which no byte comes
	over    bool          // hungUp is closed; guarded by the poller
}

// add begins to wait for all that happens to fd, whose system error says that it cannot be waited for.
func (p *poller) add(fd int) (*events, error) {
	p.mu.Lock()
	defer p.unlock()
	if err := p.start(); err != nil {
		return nil, err
	}
	err := unix.EpollCtl(p.epfd, unix.EPOLL_CTL_ADD, fd, &unix.EpollEvent{Events: awaitAll, Fd: int32(fd)})
	if err != nil {
		return nil, os.NewSyscallError("epoll_ctl", err)
	}
	e := &events{in: make(chan struct{}, 1), out: make(chan struct{}, 1), hungUp: make(chan struct{})}
	p.ends[int32(fd)] = e
	return e, nil
}

// await changes what of fd is waited for. What has happened already is told again.
func (p *poller) await(fd int, what uint32) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	err := unix.EpollCtl(p.epfd, unix.EPOLL_CTL_MOD, fd, &unix.EpollEvent{Events: what, Fd: int32(fd)})
	return os.NewSyscallError("epoll_ctl", err)
}

// remove ends the wait for fd, which must not have been closed yet.
func (p *poller) remove(fd int) {
	p.mu.Lock()
	defer p.unlock()
	_ = unix.EpollCtl(p.epfd, unix.EPOLL_CTL_DEL, fd, nil)
	delete(p.ends, int32(fd))
}

// start opens the poller for its first line. p.mu is held.
func (p *poller) start() error {
	if p.file != nil {
		return nil
	}
	fd, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		return os.NewSyscallError("epoll_create1", err)
	}
	if err := unix.SetNonblock(fd, true); err != nil { // what os.NewFile has the runtime wait for
		_ = unix.Close(fd)
		return os.NewSyscallError("fcntl", err)
	}
	p.file, p.epfd, p.ends = os.NewFile(uintptr(fd), "epoll"), fd, make(map[int32]*events)
	raw, err := p.file.SyscallConn()
	if err != nil {
		return err
	}
	go func() {
		found := make([]unix.EpollEvent, 64)
		_ = raw.Read(func(fd uintptr) bool { // ends when the file is closed
			p.look(int(fd), found)
			return false
		})
	}()
	return nil
}

// unlock lets go of p.mu, and closes the poller when the last line is gone: without the lock, for closing waits until look,
// which takes it, has ended.
func (p *poller) unlock() {
	var unused *os.File
	if len(p.ends) == 0 {
		unused, p.file = p.file, nil
	}
	p.mu.Unlock()
	if unused != nil {
		_ = unused.Close()
	}
}

// look tells the lines what has happened since it was called last.
func (p *poller) look(epfd int, found []unix.EpollEvent) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for {
		n, err := unix.EpollWait(epfd, found, 0)
		if errors.Is(err, unix.EINTR) {
			continue
		}
		for _, f := range found[:max(n, 0)] {
			if e := p.ends[f.Fd]; e != nil {
				e.tell(f.Events)
			}
		}
		if n < len(found) {
			return
		}
	}
}

func (e *events) tell(what uint32) {
	over := what&(unix.EPOLLHUP|unix.EPOLLERR) != 0
	if over && !e.over {
		e.over = true
		close(e.hungUp)
	}
	if over || what&unix.EPOLLIN != 0 {
		token(e.in)
	}
	if over || what&unix.EPOLLOUT != 0 {
		token(e.out)
	}
}

// token puts one into c, if there is none.
func token(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}
