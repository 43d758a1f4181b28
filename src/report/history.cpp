#include "report/history.h"

#include <sqlite3.h>

#include <array>
#include <system_error>

#include "base/quote.h"
#include "base/xdg.h"

namespace halcyon::report {
namespace {

namespace fs = std::filesystem;

constexpr int kBusyMs = 5000;

// Step i brings a file from version i (PRAGMA user_version) to i + 1. A step that is published never changes.
//
// The document is all there is; the columns made from it are for people with a query of their own. No
// write-ahead log: writes are rare and small, and one plain file can be copied, and read on a network's disk
// or from a folder that can't be written.
constexpr std::array kMigrations{
    R"(CREATE TABLE measurements (
         id TEXT PRIMARY KEY NOT NULL,
         document TEXT NOT NULL CHECK (json_valid(document)),
         started_at TEXT AS (document ->> '$.started_at'),
         name TEXT AS (document ->> '$.target.name'),
         model TEXT AS (document ->> '$.target.model'),
         dialect TEXT AS (document ->> '$.target.dialect'),
         versions TEXT AS (document -> '$.versions')
       ) STRICT)",
};
constexpr int kVersion = kMigrations.size();

/// What to do about an error of SQLite.
std::string_view remedy(int code) {
  switch (code & 0xff) {  // without the details of an extended code
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
      return "another process has been writing to it for more than 5 s: try again later";
    case SQLITE_CANTOPEN:
    case SQLITE_PERM:
    case SQLITE_READONLY:
    case SQLITE_AUTH:
      return "check who may write it and its folder, or set XDG_DATA_HOME to another folder";
    case SQLITE_FULL:
      return "free some space on its disk; nothing was changed";
    case SQLITE_IOERR:
      return "check its disk and the space left there; nothing was changed";
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
      return "it is damaged, or no history: move it away, and 'halcyon history import' the measurement.json "
             "files";
    default:
      return "move it away if this happens again";
  }
}

}  // namespace

void History::Close::operator()(sqlite3* db) const { sqlite3_close_v2(db); }

/// A prepared statement. The first error is kept and returned by step().
class History::Statement {
 public:
  Statement(const History& history, const char* sql) : history_(history) {
    sqlite3_stmt* prepared = nullptr;
    code_ = sqlite3_prepare_v2(history.db_.get(), sql, -1, &prepared, nullptr);
    statement_.reset(prepared);
  }

  /// Sets ?`index`, counted from 1. The text has to outlive the statement.
  Statement& bind(int index, std::string_view text) {
    if (code_ == SQLITE_OK)
      code_ =
          sqlite3_bind_text64(statement_.get(), index, text.data(), text.size(), SQLITE_STATIC, SQLITE_UTF8);
    return *this;
  }

  /// Goes to the next row; false if there is none.
  Result<bool> step() {
    if (code_ == SQLITE_OK) code_ = sqlite3_step(statement_.get());
    if (code_ == SQLITE_DONE) return false;
    if (code_ != SQLITE_ROW) return history_.failed(code_);
    code_ = SQLITE_OK;
    return true;
  }

  std::string text(int column) const {
    const auto* text = reinterpret_cast<const char*>(sqlite3_column_text(statement_.get(), column));
    return text ? std::string(text, static_cast<size_t>(sqlite3_column_bytes(statement_.get(), column)))
                : std::string();
  }
  int number(int column) const { return sqlite3_column_int(statement_.get(), column); }

 private:
  struct Finalize {
    void operator()(sqlite3_stmt* statement) const { sqlite3_finalize(statement); }
  };
  const History& history_;
  std::unique_ptr<sqlite3_stmt, Finalize> statement_;
  int code_;
};

History::History(fs::path file, std::unique_ptr<sqlite3, Close> db)
    : file_(std::move(file)), db_(std::move(db)) {}

std::unexpected<Error> History::failed(int code) const {
  const int system = sqlite3_system_errno(db_.get());
  const bool disk = (code & 0xff) == SQLITE_IOERR || (code & 0xff) == SQLITE_CANTOPEN;
  return fail("{}: {}{}: {}", file_.string(), sqlite3_errmsg(db_.get()),
              disk && system != 0 ? fmt::format(" ({})", std::generic_category().message(system)) : "",
              remedy(code));
}

Result<void> History::execute(const char* sql) const {
  const int code = sqlite3_exec(db_.get(), sql, nullptr, nullptr, nullptr);
  if (code != SQLITE_OK) return failed(code);
  return {};
}

Result<History> History::open() {
  TRY(const fs::path folder, data_dir());
  return open(folder / "history.db");
}

Result<History> History::open(const fs::path& file) {
  std::error_code error;
  fs::create_directories(file.parent_path(), error);
  if (error)
    return fail("{}: cannot make the folder: {}: set XDG_DATA_HOME to another one",
                file.parent_path().string(), error.message());
  sqlite3* db = nullptr;
  const int code = sqlite3_open_v2(file.c_str(), &db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, nullptr);
  History history(file, std::unique_ptr<sqlite3, Close>(db));
  if (db == nullptr) return fail("{}: out of memory", file.string());
  if (code != SQLITE_OK) return history.failed(code);
  sqlite3_busy_timeout(db, kBusyMs);
  CHECK_OK(history.migrate());
  return history;
}

Result<void> History::migrate() {
  const auto version = [&]() -> Result<int> {
    Statement statement(*this, "PRAGMA user_version");
    CHECK_OK(statement.step());
    return statement.number(0);
  };
  TRY(const int before, version());
  if (before == kVersion) return {};
  if (before > kVersion)
    return fail("{}: written by a newer Halcyon (version {} of the history, this one knows {}): use that one",
                file_.string(), before, kVersion);
  CHECK_OK(execute("BEGIN IMMEDIATE"));
  // Again, since another process may have been faster.
  Result<int> from = version();
  Result<void> done = from ? Result<void>() : forward_error(from);
  for (int i = from.value_or(kVersion); done && i < kVersion; ++i)
    done = execute(kMigrations[static_cast<size_t>(i)]);
  if (done) done = execute(fmt::format("PRAGMA user_version = {}", kVersion).c_str());
  if (done) done = execute("COMMIT");
  if (!done) (void)execute("ROLLBACK");
  return done;
}

Result<History::Added> History::add(Measurement measurement) {
  if (measurement.id.empty()) measurement.id = make_id(measurement);
  const std::string document = to_text(measurement);
  // Never keep what could not be read again.
  if (const auto read = parse_measurement(document, "the measurement"); !read)
    return std::unexpected(read.error());

  Statement insert(
      *this, "INSERT INTO measurements (id, document) VALUES (?1, ?2) ON CONFLICT DO NOTHING RETURNING id");
  TRY(const bool inserted, insert.bind(1, measurement.id).bind(2, document).step());
  if (inserted) {
    TRY([[maybe_unused]] const bool more, insert.step());  // the commit
    return Added{measurement.id, true};
  }
  Statement present(*this, "SELECT document FROM measurements WHERE id = ?1");
  CHECK_OK(present.bind(1, measurement.id).step());
  if (present.text(0) == document) return Added{measurement.id, false};
  return fail("another measurement has the id {}: take \"id\" out of the document, or remove that one first",
              measurement.id);
}

Result<std::string> History::find(std::string_view name) const {
  if (name == "last") {
    Statement newest(*this, "SELECT id FROM measurements ORDER BY rowid DESC LIMIT 1");
    TRY(const bool found, newest.step());
    if (!found) return fail("the history is empty: 'halcyon measure' or 'halcyon history import' adds to it");
    return newest.text(0);
  }
  Statement match(*this,
                  "SELECT id FROM measurements WHERE substr(id, 1, length(?1)) = ?1 ORDER BY id LIMIT 2");
  match.bind(1, name);
  std::vector<std::string> ids;
  while (true) {
    TRY(const bool found, match.step());
    if (!found) break;
    ids.push_back(match.text(0));
  }
  if (name.empty() || ids.empty())
    return fail("the history has no measurement {}: 'halcyon history' lists them", quote(name, 40));
  if (ids.size() > 1) return fail("{} may be {} or {}: add some characters", quote(name, 40), ids[0], ids[1]);
  return ids[0];
}

Result<Measurement> History::get(std::string_view name) const {
  TRY(const std::string id, find(name));
  Statement select(*this, "SELECT document FROM measurements WHERE id = ?1");
  TRY(const bool found, select.bind(1, id).step());
  if (!found) return fail("{} was removed from the history", id);
  return parse_measurement(select.text(0), id);
}

Result<void> History::remove(std::string_view name) {
  TRY(const std::string id, find(name));
  Statement remove(*this, "DELETE FROM measurements WHERE id = ?1");
  CHECK_OK(remove.bind(1, id).step());
  return {};
}

Result<std::vector<History::Entry>> History::list() const {
  Statement select(*this, "SELECT id, document FROM measurements ORDER BY id DESC");
  std::vector<Entry> entries;
  while (true) {
    TRY(const bool found, select.step());
    if (!found) return entries;
    entries.push_back({select.text(0), parse_measurement(select.text(1), select.text(0))});
  }
}

Result<Measurement> find_measurement(const std::string& source) {
  std::error_code error;
  if (fs::is_directory(source, error)) return load_measurement(fs::path(source) / "measurement.json");
  if (source.ends_with(".json") || fs::exists(source, error)) return load_measurement(source);
  TRY(const History history, History::open());
  return history.get(source);
}

}  // namespace halcyon::report
