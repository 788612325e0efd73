package collect

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"sync"

	"github.com/andybalholm/brotli"
	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"

	"github.com/footfall-analytics/footfall/internal/collect/wire"
	"github.com/footfall-analytics/footfall/internal/event"
)

var (
	errTransfer = errors.New("the body ended early or was not sent as announced")
	errMedia    = errors.New("unsupported content type")
	errEncoding = errors.New("unsupported content encoding")
)

// inflateError says that a body is not compressed as announced.
type inflateError struct{ encoding string }

func (e *inflateError) Error() string { return "the body is not valid " + e.encoding }

// inflaters are the readers of compressed bodies, kept since each costs tens of kilobytes to make.
type inflaters struct{ gzip, zstd, brotli sync.Pool }

// checkMedia returns an error for a content type that is taken by nobody who sends events.
func checkMedia(contentType string) error {
	media, _, _ := strings.Cut(contentType, ";")
	switch strings.ToLower(strings.TrimSpace(media)) {
	case "", "application/json", "text/plain":
		return nil
	}
	return errMedia
}

// readBody reads the whole body into dst and inflates it into second. It returns the one of the two that holds the text.
func (in *inflaters) readBody(r *wire.Request, dst, second *[]byte) ([]byte, error) {
	if r.Length > event.MaxBatchBytes {
		return nil, errBodyTooBig
	}
	if err := readAll(dst, r.Body, int(max(r.Length, 0))); err != nil {
		if errors.Is(err, errBodyTooBig) {
			return nil, err
		}
		return nil, errTransfer
	}
	_ = r.Body.Close() // all of it is read; net/http would otherwise look for more before the answer
	name, headers := "", 0
	for encoding := range r.Backward(wire.ContentEncoding) {
		name = strings.ToLower(strings.TrimSpace(encoding))
		headers++
	}
	if headers > 1 {
		return nil, errEncoding
	}
	switch name {
	case "", "identity":
		return *dst, nil
	case "gzip", "zstd", "br":
	default:
		return nil, errEncoding
	}
	if err := in.inflate(name, *dst, second); err != nil {
		return nil, err
	}
	return *second, nil
}

// readAll reads r to its end into dst, at most event.MaxBatchBytes.
func readAll(dst *[]byte, r io.Reader, sizeHint int) error {
	b := (*dst)[:0]
	if cap(b) <= sizeHint {
		b = make([]byte, 0, sizeHint+512) // one byte more at least, so that the end is met without growing
	} else if cap(b) == 0 {
		b = make([]byte, 0, 4096)
	}
	defer func() { *dst = b }()
	for {
		n, err := r.Read(b[len(b):cap(b)])
		b = b[:len(b)+n]
		switch {
		case len(b) > event.MaxBatchBytes:
			return errBodyTooBig
		case err == io.EOF:
			return nil
		case err != nil:
			return err
		}
		if len(b) == cap(b) {
			b = append(b, 0)[:len(b)]
		}
	}
}

// inflate inflates packed into dst.
func (in *inflaters) inflate(encoding string, packed []byte, dst *[]byte) error {
	source := bytes.NewReader(packed)
	var err error
	switch encoding {
	case "gzip":
		err = in.inflateGzip(source, dst)
	case "zstd":
		err = in.inflateZstd(source, dst)
	case "br":
		r, _ := in.brotli.Get().(*brotli.Reader)
		if r == nil {
			r = brotli.NewReader(source)
		} else if err := r.Reset(source); err != nil {
			return &inflateError{encoding}
		}
		err = readAll(dst, r, 0)
		in.brotli.Put(r)
	}
	if err == nil || errors.Is(err, errBodyTooBig) {
		return err
	}
	return &inflateError{encoding}
}

func (in *inflaters) inflateGzip(source io.Reader, dst *[]byte) error {
	r, _ := in.gzip.Get().(*gzip.Reader)
	if r == nil {
		r = new(gzip.Reader)
	}
	defer in.gzip.Put(r)
	if err := r.Reset(source); err != nil {
		return err
	}
	return readAll(dst, r, 0)
}

func (in *inflaters) inflateZstd(source io.Reader, dst *[]byte) error {
	r, _ := in.zstd.Get().(*zstd.Decoder)
	if r == nil {
		var err error
		// One goroutine's worth of work at a time, and no window larger than what the largest body needs.
		r, err = zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxWindow(8<<20), zstd.WithDecoderMaxMemory(16<<20), zstd.WithDecoderLowmem(true))
		if err != nil {
			return err
		}
	}
	defer in.zstd.Put(r)
	if err := r.Reset(source); err != nil {
		return err
	}
	return readAll(dst, r, 0)
}
