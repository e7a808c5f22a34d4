// Makes a crawl's crawl.db one of a later version: newer_crawl_db PATH
#include <cstdio>

#include "common/status.h"
#include "common/wire.pb.h"
#include "storage/rocks_kv.h"

namespace {

absl::Status MakeNewer(const std::string& path) {
  weft::RocksKvOptions options;
  options.path = path;
  WEFT_ASSIGN_OR_RETURN(std::unique_ptr<weft::Kv> kv, weft::OpenRocksKv(options));
  WEFT_ASSIGN_OR_RETURN(std::optional<std::string> stored, kv->Get(weft::Family::kMeta, "identity"));
  weft::wire::CrawlIdentity identity;
  if (!stored || !identity.ParseFromString(*stored)) return weft::DataLoss("{} holds no crawl", path);
  identity.set_format_version(identity.format_version() + 1000);
  weft::KvBatch batch;
  batch.Put(weft::Family::kMeta, "identity", identity.SerializeAsString());
  WEFT_RETURN_IF_ERROR(kv->Write(batch));
  return kv->Sync();
}

}  // namespace

int main(int argc, char** argv) {
  const absl::Status status = argc == 2 ? MakeNewer(argv[1]) : weft::InvalidArgument("newer_crawl_db PATH");
  if (!status.ok()) fmt::print(stderr, "{}\n", weft::ErrorText(status));
  return status.ok() ? 0 : 1;
}
