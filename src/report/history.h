// The measurements made on this machine, in one SQLite file.
#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "report/measurement.h"

struct sqlite3;

namespace halcyon::report {

/// Several processes may use the file at the same time; whoever has to wait does so for at most 5 s. What
/// add() and remove() did is on the disk when they return, and a process that is killed in the middle leaves
/// the file as it was. Errors name the file and say what to do.
class History {
 public:
  /// Opens the file, and makes it and its folder if they are not there. Files of older versions are brought
  /// up to date; those of newer ones are refused.
  static Result<History> open(const std::filesystem::path& file);

  /// The user's: history.db in data_dir().
  static Result<History> open();

  struct Added {
    std::string id;
    bool is_new = true;  ///< false: the same document is there already
  };
  /// Adds a document under its id, or, if it has none, that of make_id(). Fails if another one has the id.
  Result<Added> add(Measurement measurement);

  /// The id that `name` stands for: an id, the beginning of exactly one, or "last" for what was added last.
  Result<std::string> find(std::string_view name) const;

  Result<Measurement> get(std::string_view name) const;  ///< `name` as for find()
  Result<void> remove(std::string_view name);            ///< `name` as for find()

  struct Entry {
    std::string id;
    Result<Measurement> measurement;  ///< an error: a newer Halcyon's, say
  };
  Result<std::vector<Entry>> list() const;  ///< newest first

 private:
  struct Close {
    void operator()(sqlite3* db) const;
  };
  History(std::filesystem::path file, std::unique_ptr<sqlite3, Close> db);

  std::unexpected<Error> failed(int code) const;
  Result<void> execute(const char* sql) const;
  Result<void> migrate();
  class Statement;

  std::filesystem::path file_;
  std::unique_ptr<sqlite3, Close> db_;
};

/// A measurement by a file's name, by the folder with its measurement.json, or by a name for find() in the
/// user's history.
Result<Measurement> find_measurement(const std::string& source);

}  // namespace halcyon::report
