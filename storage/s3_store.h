// An ObjectStore in a bucket of Amazon S3, or of a server that speaks its protocol (MinIO, Ceph, R2, ...). Every request is signed
// (aws_signature.h), the SHA-256 of what is sent included, so that the server refuses what was damaged on the way. The digest of a
// whole file is kept with the object, as x-amz-meta-weft-sha256.
#pragma once

#include <memory>
#include <string>

#include "storage/aws_signature.h"
#include "storage/object_store.h"
#include "storage/store_http.h"

namespace weft {

struct S3Place {
  std::string bucket;
  std::string prefix;    // of names, without slashes at its ends; may be empty
  std::string endpoint;  // "http://127.0.0.1:9000": objects are asked for by path; empty: Amazon's, by the bucket's host name
  std::string region;
};

// `http` is used by the store alone; the rest outlives it.
std::unique_ptr<ObjectStore> NewS3Store(const S3Place& place, const AwsCredentials& credentials, const StoreOptions& options,
                                        std::unique_ptr<StoreHttp> http, StoreWait& wait, const Clock& clock, Random& random);

}  // namespace weft
