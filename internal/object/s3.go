package object

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/credentials"
)

// S3Options of an S3Store. Endpoint and Bucket are needed.
type S3Options struct {
	Endpoint             string // URL: http://host:port or https://host
	Region               string // "": us-east-1
	Bucket               string // made when something is put and it is missing
	AccessKey, SecretKey string
	Prefix               string // stands before each key, with a "/" between
}

// S3Store keeps objects in a bucket. It is safe for concurrent use.
type S3Store struct {
	client  *minio.Client
	options S3Options
}

const (
	s3Attempts  = 3                  // of a request, by the client itself; callers that may wait try again by themselves
	s3Answer    = time.Minute        // how long a server may think before its answer begins
	s3PartBytes = 16 << 20           // objects above it go in parts; all of them show at once
	s3MaxTTL    = 7 * 24 * time.Hour // of a presigned URL, by the protocol
)

// OpenS3 returns the store without asking the server for anything.
func OpenS3(o S3Options) (*S3Store, error) {
	endpoint, err := url.Parse(o.Endpoint)
	if err != nil || endpoint.Host == "" || (endpoint.Scheme != "http" && endpoint.Scheme != "https") {
		return nil, fmt.Errorf("cannot use %q as the endpoint of an object store: no URL of http or https", o.Endpoint)
	}
	if o.Region == "" {
		o.Region = "us-east-1"
	}
	if o.Prefix != "" {
		if err := checkKey(o.Prefix); err != nil {
			return nil, err
		}
		o.Prefix += "/"
	}
	transport, err := minio.DefaultTransport(endpoint.Scheme == "https")
	if err != nil {
		return nil, fmt.Errorf("cannot speak to %q: %w", o.Endpoint, err)
	}
	transport.ResponseHeaderTimeout = s3Answer
	client, err := minio.New(endpoint.Host, &minio.Options{
		Creds:  credentials.NewStaticV4(o.AccessKey, o.SecretKey, ""),
		Secure: endpoint.Scheme == "https", Region: o.Region, MaxRetries: s3Attempts, Transport: transport,
	})
	if err != nil {
		return nil, fmt.Errorf("cannot use object store %q: %w", o.Endpoint, err)
	}
	return &S3Store{client: client, options: o}, nil
}

// Put stores an object. Size must be what body holds. A missing bucket is made, if body can be read again from its start.
func (s *S3Store) Put(ctx context.Context, key string, body io.Reader, size int64) error {
	if err := checkKey(key); err != nil {
		return err
	}
	err := s.put(ctx, key, body, size)
	if code(err) == minio.NoSuchBucket {
		seeker, ok := body.(io.Seeker)
		if err = s.makeBucket(ctx); err == nil && ok {
			if _, err = seeker.Seek(0, io.SeekStart); err == nil {
				err = s.put(ctx, key, body, size)
			}
		}
	}
	if err != nil {
		return fmt.Errorf("cannot put object %q into bucket %q: %w", key, s.options.Bucket, err)
	}
	return nil
}

func (s *S3Store) put(ctx context.Context, key string, body io.Reader, size int64) error {
	_, err := s.client.PutObject(ctx, s.options.Bucket, s.options.Prefix+key, body, size,
		minio.PutObjectOptions{ContentType: "application/octet-stream", PartSize: s3PartBytes, NumThreads: 2})
	return err
}

func (s *S3Store) makeBucket(ctx context.Context) error {
	err := s.client.MakeBucket(ctx, s.options.Bucket, minio.MakeBucketOptions{Region: s.options.Region})
	if c := code(err); c == "BucketAlreadyOwnedByYou" || c == "BucketAlreadyExists" {
		return nil
	}
	return err
}

func code(err error) string {
	var response minio.ErrorResponse
	if errors.As(err, &response) {
		return response.Code
	}
	return ""
}

// Get returns an object, which the caller must close.
func (s *S3Store) Get(ctx context.Context, key string) (io.ReadCloser, error) {
	if err := checkKey(key); err != nil {
		return nil, err
	}
	// One request: the client's own object makes several, and fails when the object is replaced between them.
	object, _, _, err := minio.Core{Client: s.client}.GetObject(ctx, s.options.Bucket, s.options.Prefix+key, minio.GetObjectOptions{})
	if c := code(err); c == minio.NoSuchKey || c == minio.NoSuchBucket {
		err = ErrNotFound
	}
	if err != nil {
		return nil, fmt.Errorf("cannot get object %q from bucket %q: %w", key, s.options.Bucket, err)
	}
	return object, nil
}

// List yields the objects whose keys begin with prefix, by key. A missing bucket has none.
func (s *S3Store) List(ctx context.Context, prefix string, yield func(Object) error) error {
	options := minio.ListObjectsOptions{Prefix: s.options.Prefix + prefix, Recursive: true}
	for o := range s.client.ListObjectsIter(ctx, s.options.Bucket, options) {
		if code(o.Err) == minio.NoSuchBucket {
			return nil
		}
		if o.Err != nil {
			return fmt.Errorf("cannot list objects %q of bucket %q: %w", prefix, s.options.Bucket, o.Err)
		}
		if err := yield(Object{Key: o.Key[len(s.options.Prefix):], Size: o.Size, Modified: o.LastModified}); err != nil {
			return err
		}
	}
	return ctx.Err()
}

// Delete removes objects. One that is not there is no error. A key may end in "/": others leave such objects as folders.
func (s *S3Store) Delete(ctx context.Context, keys ...string) error {
	for _, key := range keys {
		if err := checkKey(strings.TrimSuffix(key, "/")); err != nil {
			return err
		}
	}
	objects := func(yield func(minio.ObjectInfo) bool) {
		for _, key := range keys {
			if !yield(minio.ObjectInfo{Key: s.options.Prefix + key}) {
				return
			}
		}
	}
	results, err := s.client.RemoveObjectsWithIter(ctx, s.options.Bucket, objects, minio.RemoveObjectsOptions{})
	if err == nil {
		for r := range results {
			if c := code(r.Err); r.Err != nil && c != minio.NoSuchKey && c != minio.NoSuchBucket {
				err = errors.Join(err, r.Err)
			}
		}
	}
	if err == nil {
		err = ctx.Err()
	}
	if err != nil {
		return fmt.Errorf("cannot delete %d objects of bucket %q: %w", len(keys), s.options.Bucket, err)
	}
	return nil
}

// Presign returns a URL with which anybody may get the object until ttl is over (at most 7 days).
func (s *S3Store) Presign(ctx context.Context, key string, ttl time.Duration) (string, error) {
	if err := checkKey(key); err != nil {
		return "", err
	}
	u, err := s.client.PresignHeader(ctx, http.MethodGet, s.options.Bucket, s.options.Prefix+key, min(ttl, s3MaxTTL), nil, nil)
	if err != nil {
		return "", fmt.Errorf("cannot presign object %q of bucket %q: %w", key, s.options.Bucket, err)
	}
	return u.String(), nil
}
