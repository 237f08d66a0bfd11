/*
 * A journal on the disk: a header in sector 0, then one record a sector, each with a checksum over
 * itself and over the checksum of what came before it. So the end is where the chain breaks off,
 * and a record that belongs to it but does not check is damage.
 */
#include "kernel.h"

#define JOURNAL_MAGIC 0x4c4e524a4d534143ul /* "CASMJRNL" */
enum { RECORD_MAGIC = 0x44524f43, TEXT_SIZE = 492 };

struct header {
  u64 magic;
  u64 generation; /* one more at each format: old records no longer fit the chain */
  u8 unused[SECTOR_SIZE - 20];
  u32 checksum;
} __attribute__((packed));

struct record {
  u32 magic;
  u32 sequence; /* also the sector it lies in; from 1 */
  u32 previous; /* checksum of the record, or header, before */
  u32 length;
  char text[TEXT_SIZE];
  u32 checksum;
};

_Static_assert(sizeof(struct header) == SECTOR_SIZE, "a header fills a sector");
_Static_assert(sizeof(struct record) == SECTOR_SIZE, "a record fills a sector");

/*
 * Where a walk through the journal stands: the next record's sector, and what its `previous` must
 * be.
 */
struct position {
  u32 sequence;
  u32 previous;
};

enum found { FOUND_RECORD, FOUND_END, FOUND_DAMAGE };

static u32 header_checksum(const struct header *header)
{
  return crc32(0, header, SECTOR_SIZE - sizeof(u32));
}

static u32 record_checksum(const struct record *record)
{
  return crc32(0, record, SECTOR_SIZE - sizeof(u32));
}

static int fail(const char *what)
{
  print("journal: %s\n", what);
  return 1;
}

/* The position of the first record; 0 if the disk has no journal. */
static int open_journal(struct position *position, struct header *header)
{
  if (disk_read(0, header) || header->magic != JOURNAL_MAGIC ||
      header->checksum != header_checksum(header))
    return 0;
  *position = (struct position){1, header->checksum};
  return 1;
}

static enum found read_record(struct position *position, struct record *record)
{
  if (position->sequence >= disk_sectors() || disk_read(position->sequence, record))
    return FOUND_END;
  if (record->magic != RECORD_MAGIC || record->sequence != position->sequence ||
      record->previous != position->previous)
    return FOUND_END;
  if (record->checksum != record_checksum(record) || record->length >= TEXT_SIZE)
    return FOUND_DAMAGE;
  *position = (struct position){position->sequence + 1, record->checksum};
  return FOUND_RECORD;
}

int journal_format(void)
{
  if (disk_sectors() < 2)
    return fail("no disk");
  struct header header;
  struct position position;
  u64 generation = open_journal(&position, &header) ? header.generation + 1 : 1;
  memset(&header, 0, sizeof(header));
  header.magic = JOURNAL_MAGIC;
  header.generation = generation;
  header.checksum = header_checksum(&header);
  if (disk_write(0, &header) || disk_flush())
    return fail("the disk refuses to write");
  print("journal: formatted, generation %lu\n", generation);
  return 0;
}

int journal_write(const char *text)
{
  if (disk_sectors() < 2)
    return fail("no disk");
  struct header header;
  struct position position;
  struct record record;
  if (!open_journal(&position, &header) && (journal_format() || !open_journal(&position, &header)))
    return 1;
  enum found found;
  while ((found = read_record(&position, &record)) == FOUND_RECORD)
    ;
  if (found == FOUND_DAMAGE)
    return fail("damaged: format it first");
  if (position.sequence >= disk_sectors())
    return fail("full");
  memset(&record, 0, sizeof(record));
  record.magic = RECORD_MAGIC;
  record.sequence = position.sequence;
  record.previous = position.previous;
  record.length = (u32)text_length(text);
  if (record.length >= TEXT_SIZE)
    return fail("the text is too long");
  memcpy(record.text, text, record.length);
  record.checksum = record_checksum(&record);
  if (disk_write(record.sequence, &record) || disk_flush())
    return fail("the disk refuses to write");
  return 0;
}

static int walk(int is_printed)
{
  if (disk_sectors() < 2)
    return fail("no disk");
  struct header header;
  struct position position;
  struct record record;
  if (!open_journal(&position, &header))
    return fail("none on this disk");
  enum found found;
  while ((found = read_record(&position, &record)) == FOUND_RECORD)
    if (is_printed)
      print("%4u  %s\n", record.sequence, record.text);
  if (found == FOUND_DAMAGE) {
    print("journal: record %u is damaged\n", position.sequence);
    return 1;
  }
  print("journal: %u records, chain %08x\n", position.sequence - 1, position.previous);
  return 0;
}

int journal_check(void)
{
  return walk(0);
}

int journal_replay(void)
{
  return walk(1);
}
