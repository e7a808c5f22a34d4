// An ObjectStore in HDFS, by the WebHDFS REST API of Apache Hadoop: a file is written beside its place and renamed. Without
// Kerberos; the user is HADOOP_USER_NAME, or the one in the URL (webhdfs://USER@HOST:PORT/PATH).
#pragma once

#include <memory>
#include <string>

#include "storage/object_store.h"
#include "storage/store_http.h"

namespace weft {

struct HdfsPlace {
  std::string origin;  // "http://namenode:9870"
  std::string path;    // "/data/crawl", without a slash at its end
  std::string user;    // may be empty
};

std::unique_ptr<ObjectStore> NewWebHdfsStore(const HdfsPlace& place, const StoreOptions& options, std::unique_ptr<StoreHttp> http,
                                             StoreWait& wait, Random& random);

}  // namespace weft
