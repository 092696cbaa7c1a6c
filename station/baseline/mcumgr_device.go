package baseline

import (
	"context"
	"crypto/sha256"
	"errors"
	"io/fs"
	"slices"
	"strings"
)

// Errors of SMP (Zephyr, enum mcumgr_err_t and enum fs_mgmt_err_code_t).
const (
	errInvalid      = 3 // MGMT_ERR_EINVAL
	errNotSupported = 8 // MGMT_ERR_ENOTSUP
	fsUnknown       = 1
	fsNotFound      = 3
	fsBadOffset     = 11 // FS_MGMT_ERR_FILE_OFFSET_NOT_VALID
)

// zephyr is the model of a device with Zephyr's SMP server on its console. What does not read as a packet is lost without an
// answer, as there.
type zephyr struct {
	ctx  context.Context
	disk *disk
	w    Work
	// The one upload that may be under way: fs_mgmt keeps a single context.
	name     string
	off, len uint64
}

func mcumgrDevice(ctx context.Context, s *stream, d *disk, w Work) error {
	z := &zephyr{ctx: ctx, disk: d, w: w}
	if err := s.allow(0); err != nil {
		return err
	}
	var in assembler
	for {
		line, err := s.line(maxFrame + 1)
		if errors.Is(err, ErrTooLong) {
			s.buf = nil // "Line too long": dropped
			continue
		} else if err != nil {
			return err
		}
		packet, whole := in.line(line)
		if !whole {
			continue
		}
		h, body, err := unpack(packet)
		if err != nil {
			continue // dropped as well
		}
		answer := z.serve(h, body)
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		h.op++
		if packet, err = pack(h, answer); err != nil {
			return err
		}
		if err := s.send(frames(packet)); err != nil {
			return err
		}
	}
}

func refused(rc int) any { return failure{RC: rc} }

func refusedFS(rc int) any { return failure{Err: &groupError{groupFS, rc}} }

// serve carries a request out and returns the body of its answer.
func (z *zephyr) serve(h header, body []byte) any {
	switch [3]int{int(h.op), int(h.group), int(h.id)} {
	case [3]int{opWrite, groupShell, idExec}:
		var r execRequest
		if decoding.Unmarshal(body, &r) != nil {
			return refused(errInvalid)
		}
		return z.exec(r.Argv)
	case [3]int{opRead, groupFS, idFile}:
		var r fileRequest
		if decoding.Unmarshal(body, &r) != nil {
			return refused(errInvalid)
		}
		return z.download(r)
	case [3]int{opWrite, groupFS, idFile}:
		var r fileChunk
		if decoding.Unmarshal(body, &r) != nil {
			return refused(errInvalid)
		}
		return z.upload(r)
	case [3]int{opRead, groupFS, idHash}:
		var r hashRequest
		if decoding.Unmarshal(body, &r) != nil || r.Type != "sha256" {
			return refused(errInvalid)
		}
		return z.hash(r)
	}
	return refused(errNotSupported)
}

// exec is the application's own commands: "csr FILE SUBJECT" and "mqtt pub HOST PORT ID TOPIC TEXT".
func (z *zephyr) exec(argv []string) any {
	failed := execAnswer{Ret: -5} // -EIO
	switch {
	case len(argv) == 3 && argv[0] == "csr" && argv[2] == "CN="+z.w.DeviceID:
		csr, err := z.w.MakeKey(z.ctx)
		if err == nil {
			err = errors.Join(z.disk.write(strings.TrimPrefix(argv[1], mount), csr), z.disk.sync())
		}
		if err != nil {
			return failed
		}
		return execAnswer{}
	case len(argv) == 7 && slices.Equal(argv[:5], []string{"mqtt", "pub", brokerHost, brokerPort, z.w.DeviceID}):
		if z.w.Prove(z.ctx) != nil {
			return failed
		}
		return execAnswer{Output: "published"}
	}
	return execAnswer{Output: "command not found", Ret: -8} // -ENOEXEC, as Zephyr's shell
}

func (z *zephyr) download(r fileRequest) any {
	content, err := z.disk.read(strings.TrimPrefix(r.Name, mount))
	if err != nil {
		return refusedFS(fsError(err))
	}
	total := uint64(len(content))
	if r.Off > total {
		return refusedFS(fsBadOffset)
	}
	answer := fileChunk{Off: r.Off, Data: content[r.Off:min(total, r.Off+maxDownload)]}
	if r.Off == 0 {
		answer.Len = &total
	}
	return answer
}

// upload writes a chunk. The file is on the disk when its last one is answered; Zephyr closes it then.
func (z *zephyr) upload(r fileChunk) any {
	name := strings.TrimPrefix(r.Name, mount)
	if r.Off == 0 {
		if r.Len == nil || *r.Len > maxFile {
			return refused(errInvalid)
		}
		z.name, z.off, z.len = name, 0, *r.Len
		if err := z.disk.write(name, nil); err != nil {
			return refusedFS(fsError(err))
		}
	}
	if name != z.name || r.Off != z.off || uint64(len(r.Data)) > z.len-z.off {
		return refusedFS(fsBadOffset)
	}
	err := z.disk.extend(name, int64(z.off), r.Data)
	if z.off += uint64(len(r.Data)); err == nil && z.off == z.len {
		err = z.disk.sync()
	}
	if err != nil {
		return refusedFS(fsError(err))
	}
	return fileOffset{z.off}
}

func (z *zephyr) hash(r hashRequest) any {
	content, err := z.disk.read(strings.TrimPrefix(r.Name, mount))
	if err != nil {
		return refusedFS(fsError(err))
	}
	sum := sha256.Sum256(content)
	return hashAnswer{Type: r.Type, Len: uint64(len(content)), Output: sum[:]}
}

func fsError(err error) int {
	if errors.Is(err, fs.ErrNotExist) {
		return fsNotFound
	}
	return fsUnknown
}
