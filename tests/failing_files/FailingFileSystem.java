package sidewheel;

import java.io.FilterOutputStream;
import java.io.IOException;
import java.util.concurrent.atomic.AtomicInteger;
import org.apache.hadoop.fs.FSDataInputStream;
import org.apache.hadoop.fs.FSDataOutputStream;
import org.apache.hadoop.fs.FileStatus;
import org.apache.hadoop.fs.LocalFileSystem;
import org.apache.hadoop.fs.Path;
import org.apache.hadoop.fs.permission.FsPermission;
import org.apache.hadoop.util.Progressable;

/** The local file system, of which one call below a folder fails: the n-th from when it was planted. */
public class FailingFileSystem extends LocalFileSystem {
  private static final AtomicInteger LEFT = new AtomicInteger();
  private static volatile String folder = null;
  private static volatile String failed = null;

  /** Let the call fail that comes after `number` others below `below`. */
  public static void plant(int number, String below) {
    LEFT.set(number);
    failed = null;
    folder = below;
  }

  /** Let all calls be again; gives what failed, or null. */
  public static String clear() {
    folder = null;
    return failed;
  }

  static void call(String what, Path path) throws IOException {
    String below = folder;
    if (below != null && path.toUri().getPath().startsWith(below) && LEFT.getAndDecrement() == 0) {
      failed = what + " " + path.toUri().getPath().substring(below.length());
      throw new IOException("planted failure of " + failed);
    }
  }

  @Override
  public FSDataInputStream open(Path path, int size) throws IOException {
    call("open", path);
    return super.open(path, size);
  }

  @Override
  public FSDataOutputStream create(
      Path path, FsPermission permission, boolean overwrite, int size, short copies, long block, Progressable progress)
      throws IOException {
    call("create", path);
    FSDataOutputStream made = super.create(path, permission, overwrite, size, copies, block, progress);
    return new FSDataOutputStream(new Closing(made, path), null);
  }

  @Override
  public FSDataOutputStream create(
      Path path, boolean overwrite, int size, short copies, long block, Progressable progress) throws IOException {
    call("create", path);
    FSDataOutputStream made = super.create(path, overwrite, size, copies, block, progress);
    return new FSDataOutputStream(new Closing(made, path), null);
  }

  @Override
  public boolean rename(Path from, Path to) throws IOException {
    call("rename", to);
    return super.rename(from, to);
  }

  @Override
  public boolean delete(Path path, boolean recursive) throws IOException {
    call("delete", path);
    return super.delete(path, recursive);
  }

  @Override
  public boolean mkdirs(Path path, FsPermission permission) throws IOException {
    call("mkdirs", path);
    return super.mkdirs(path, permission);
  }

  @Override
  public FileStatus[] listStatus(Path path) throws IOException {
    call("list", path);
    return super.listStatus(path);
  }

  @Override
  public FileStatus getFileStatus(Path path) throws IOException {
    call("status", path);
    return super.getFileStatus(path);
  }

  /** A file whose last bytes may never arrive. */
  private static final class Closing extends FilterOutputStream {
    private final Path path;

    Closing(FSDataOutputStream made, Path path) {
      super(made);
      this.path = path;
    }

    @Override
    public void write(byte[] bytes, int start, int count) throws IOException {
      out.write(bytes, start, count);
    }

    @Override
    public void close() throws IOException {
      call("close", path);
      super.close();
    }
  }
}
