package baseline

import (
	"bytes"
	"context"
	"crypto/sha256"
	"fmt"
	"slices"
)

// Files in the device's flash, under the mount point of Zephyr's examples. A microcontroller reads DER as it comes, so the
// certificates need no PEM and each crosses once.
const (
	mount       = "/lfs1/"
	derCSR      = "device.csr"
	derLeaf     = "leaf.der"
	derChain    = "chain.der" // one after the other, up to the root
	smpEnrolled = "enrolled"
)

// smp is the host's end: a request, then its answer, then the next (stop and wait: Zephyr serves one at a time).
type smp struct {
	s   *stream
	seq byte
	in  assembler
}

// mcumgrHost provisions a Zephyr device as one does with mcumgr's clients: the shell group for what the application does, the
// file group for the files, with as much in each request as the device's default buffers allow.
func mcumgrHost(ctx context.Context, s *stream, w Work) error {
	m := &smp{s: s}
	if err := m.exec("csr", mount+derCSR, "CN="+w.DeviceID); err != nil {
		return err
	}
	csr, err := m.download(derCSR)
	if err != nil {
		return err
	}
	files, err := enroll(ctx, w, csr)
	if err != nil {
		return err
	}
	list := []struct {
		name    string
		content []byte
	}{{derLeaf, files.Leaf}, {derChain, slices.Concat(files.Chain...)}, {fileWG, files.WGConf}}
	for _, f := range list {
		if err := m.upload(f.name, f.content); err != nil {
			return err
		}
	}
	for _, f := range list {
		if err := m.compare(f.name, f.content); err != nil {
			return err
		}
	}
	if err := m.exec("mqtt", "pub", brokerHost, brokerPort, w.DeviceID, testTopic, testText); err != nil {
		return err
	}
	return m.upload(smpEnrolled, []byte("1"))
}

// call sends a request and reads its answer into answer.
func (m *smp) call(op byte, group uint16, id byte, body, answer any) error {
	m.seq++
	ask := header{op: op, group: group, seq: m.seq, id: id}
	packet, err := pack(ask, body)
	if err != nil {
		return err
	}
	if err := m.s.allow(patience); err != nil {
		return err
	}
	if err := m.s.send(frames(packet)); err != nil {
		return err
	}
	for {
		line, err := m.s.line(maxFrame + 1) // with a CR
		if err != nil {
			return err
		}
		packet, whole := m.in.line(line)
		if !whole {
			continue
		}
		got, data, err := unpack(packet)
		if err != nil {
			return err
		}
		if got.seq != ask.seq { // the answer to a request that was given up
			continue
		}
		if want := (header{op: ask.op + 1, group: group, seq: ask.seq, id: id}); got != want {
			return fmt.Errorf("operation %d, group %d, command %d: %w", got.op, got.group, got.id, ErrAnswer)
		}
		return readAnswer(data, answer)
	}
}

// readAnswer takes an answer's body, or the error that is in it.
func readAnswer(data []byte, answer any) error {
	var f failure
	if err := decoding.Unmarshal(data, &f); err != nil {
		return fmt.Errorf("%w: %w", ErrAnswer, err)
	}
	if f.RC != 0 {
		return fmt.Errorf("rc %d: %w", f.RC, ErrRefused)
	}
	if f.Err != nil && f.Err.RC != 0 {
		return fmt.Errorf("group %d, rc %d: %w", f.Err.Group, f.Err.RC, ErrRefused)
	}
	if err := decoding.Unmarshal(data, answer); err != nil {
		return fmt.Errorf("%w: %w", ErrAnswer, err)
	}
	return nil
}

// exec runs a command of the device's shell that must succeed.
func (m *smp) exec(argv ...string) error {
	var got execAnswer
	if err := m.call(opWrite, groupShell, idExec, execRequest{argv}, &got); err != nil {
		return fmt.Errorf("shell %s: %w", argv[0], err)
	}
	if got.Ret != 0 {
		return fmt.Errorf("shell %s: ret %d: %w", argv[0], got.Ret, ErrRefused)
	}
	return nil
}

func (m *smp) download(name string) ([]byte, error) {
	var content []byte
	for total := uint64(0); content == nil || uint64(len(content)) < total; {
		var got fileChunk
		if err := m.call(opRead, groupFS, idFile, fileRequest{uint64(len(content)), mount + name}, &got); err != nil {
			return nil, fmt.Errorf("download %s: %w", name, err)
		}
		if content == nil {
			if got.Len == nil || *got.Len == 0 || *got.Len > maxAnswer {
				return nil, fmt.Errorf("download %s: no length from 1 to %d: %w", name, maxAnswer, ErrAnswer)
			}
			total = *got.Len
		}
		if left := total - uint64(len(content)); got.Off != uint64(len(content)) || len(got.Data) == 0 || uint64(len(got.Data)) > left {
			return nil, fmt.Errorf("download %s: %d bytes at offset %d, want some of %d at %d: %w", name, len(got.Data), got.Off, left, len(content), ErrAnswer)
		}
		content = append(content, got.Data...)
	}
	return content, nil
}

func (m *smp) upload(name string, content []byte) error {
	if len(content) == 0 {
		return fmt.Errorf("upload %s: nothing to send: %w", name, ErrPayload)
	}
	total := uint64(len(content))
	for off := uint64(0); off < total; {
		chunk := fileChunk{Off: off, Name: mount + name}
		if off == 0 {
			chunk.Len = &total
		}
		room, err := roomFor(chunk)
		if err != nil {
			return fmt.Errorf("upload %s: %w", name, err)
		}
		chunk.Data = content[off:min(total, off+uint64(room))]
		var got fileOffset
		if err := m.call(opWrite, groupFS, idFile, chunk, &got); err != nil {
			return fmt.Errorf("upload %s: %w", name, err)
		}
		if off += uint64(len(chunk.Data)); got.Off != off {
			return fmt.Errorf("upload %s: device is at offset %d, want %d: %w", name, got.Off, off, ErrAnswer)
		}
	}
	return nil
}

// roomFor is how many bytes of data still fit a packet beside the rest of an upload.
func roomFor(empty fileChunk) (int, error) {
	empty.Data = []byte{}
	packet, err := pack(header{}, empty)
	return maxPacket - len(packet) - 2, err // 2: the length of a byte string of 256 and more takes two bytes more (RFC 8949 3)
}

// compare asks for a file's SHA-256.
func (m *smp) compare(name string, content []byte) error {
	var got hashAnswer
	if err := m.call(opRead, groupFS, idHash, hashRequest{mount + name, "sha256"}, &got); err != nil {
		return fmt.Errorf("hash of %s: %w", name, err)
	}
	if sum := sha256.Sum256(content); got.Type != "sha256" || got.Len != uint64(len(content)) || !bytes.Equal(got.Output, sum[:]) {
		return fmt.Errorf("hash of %s: %w", name, ErrReadBack)
	}
	return nil
}
