package dev.footfall.realtime;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HexFormat;
import java.util.List;

/** The lines of src/test/resources/records.txt, which Go writes. */
public final class Vectors {
  private Vectors() {}

  /** The lines of a kind, as words. The first word is the kind. */
  public static List<String[]> lines(String kind) {
    return read("records.txt").lines().map(line -> line.split(" ", -1)).filter(words -> words[0].equals(kind)).toList();
  }

  public static byte[] record(String kind, String name) {
    return lines(kind).stream()
        .filter(words -> words[1].equals(name))
        .map(words -> HexFormat.of().parseHex(words[2]))
        .findFirst()
        .orElseThrow();
  }

  public static String read(String resource) {
    try {
      return Files.readString(Path.of("src/test/resources", resource));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
