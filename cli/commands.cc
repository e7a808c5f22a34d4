#include "cli/commands.h"

namespace weft {

CommandMain FindCommandMain(Command command) {
  switch (command) {
    case Command::kCrawl: return CrawlCommand;
    case Command::kScheduler: return SchedulerCommand;
    case Command::kWorker: return WorkerCommand;
    case Command::kFetcher: return FetcherCommand;
    case Command::kParser: return ParserCommand;
    case Command::kSeedsAdd: return SeedsAddCommand;
    case Command::kStatus: return StatusCommand;
    case Command::kExport: return ExportCommand;
    case Command::kPoliteness: return PolitenessCommand;
    case Command::kTraps: return TrapsCommand;
    case Command::kNodeList: return NodeListCommand;
    case Command::kNodeDrain: return NodeDrainCommand;
    case Command::kNodeForget: return NodeForgetCommand;
    case Command::kCheckpoint: return CheckpointCommand;
    case Command::kInspect: return InspectCommand;
    case Command::kWarcCheck: return WarcCheckCommand;
    case Command::kWarcCat: return WarcCatCommand;
    case Command::kWarcExtract: return WarcExtractCommand;
    case Command::kIndex: return IndexCommand;
    case Command::kWacz: return WaczCommand;
    case Command::kImport: return ImportCommand;
    case Command::kTokenNew: return TokenNewCommand;
    case Command::kTokenList: return TokenListCommand;
    case Command::kTokenRevoke: return TokenRevokeCommand;
    case Command::kStorePush: return StorePushCommand;
    case Command::kStorePull: return StorePullCommand;
    case Command::kStoreList: return StoreListCommand;
    case Command::kNone: return nullptr;
  }
  return nullptr;
}

}  // namespace weft
