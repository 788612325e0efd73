# Apache Spark: nothing to start. The daily job is a process of its own (local mode) that needs the distribution and the S3 connector.
procs=()
ports=()
spark_home=$home/dist
# What the distribution has itself, of another version: twice on one class path, neither works.
present=(io.netty org.slf4j commons-codec commons-logging org.apache.httpcomponents)

# What the pip package holds is Spark's own layout, below deps/.
install() {
  local sum
  sum=$(cat "$dir/requirements.txt" "$dir/pom.xml" "$dir/jars.sha256" | sha256sum)
  if [ "$(cat "$home/installed" 2>/dev/null)" = "$sum" ]; then return; fi
  rm -rf "$home/dist.new" "$home/package"
  mkdir -p "$home/dist.new"
  python3 -m pip download -q --disable-pip-version-check --require-hashes --no-deps --no-binary=:all: \
    --dest "$home/package" -r "$dir/requirements.txt"
  tar -xzf "$home"/package/pyspark-*.tar.gz -C "$home/dist.new" --strip-components=2 --wildcards '*/deps/bin' '*/deps/jars' '*/deps/licenses'
  rm -rf "$home/package"
  mvn -B -q -C -Dstyle.color=never -f "$dir/pom.xml" dependency:copy-dependencies -DincludeScope=runtime \
    -DexcludeGroupIds="$(IFS=,; echo "${present[*]}")" -DoutputDirectory="$home/dist.new/s3a"
  (cd "$home/dist.new/s3a" && verify "$dir/jars.sha256")
  mv "$home"/dist.new/s3a/*.jar "$home/dist.new/jars"
  rm -rf "$home/dist" "$home/dist.new/s3a"
  mv "$home/dist.new" "$home/dist"
  echo "$sum" >"$home/installed"
}

# ready: of this version. There is no process that could answer.
ready() { [ "$(cat "$home/installed" 2>/dev/null)" = "$(cat "$dir/requirements.txt" "$dir/pom.xml" "$dir/jars.sha256" | sha256sum)" ]; }
where() { say "spark_home $spark_home"; }
