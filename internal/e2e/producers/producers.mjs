// Makes a zip of a directory with a library of Node.js:
//   node producers.mjs LIBRARY NODE_MODULES DIRECTORY OUT
import { createWriteStream, lstatSync, readlinkSync, readdirSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join, relative } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { pathToFileURL } from 'node:url'

const [library, modules, directory, out] = process.argv.slice(2)
const require = createRequire(join(modules, 'x.js'))

function * walk (dir) {
  for (const name of readdirSync(dir).sort()) {
    const path = join(dir, name)
    const stats = lstatSync(path)
    yield { path, name: relative(directory, path), stats }
    if (stats.isDirectory()) yield * walk(path)
  }
}

const libraries = {
  // The zip of a whole directory; symlinks are kept.
  async archiver () {
    const archive = require('archiver')('zip')
    archive.directory(directory, false)
    const done = pipeline(archive, createWriteStream(out))
    await archive.finalize()
    await done
  },

  // Entry by entry: as streams of unknown size, as files, with zip64 where it is not
  // needed.
  async yazl () {
    const { ZipFile } = require('yazl')
    const zip = new ZipFile()
    const { createReadStream } = await import('node:fs')
    let i = 0
    for (const { path, name, stats } of walk(directory)) {
      const options = { mode: stats.mode, mtime: stats.mtime, compress: i % 3 !== 0, forceZip64Format: i % 5 === 0 }
      if (stats.isDirectory()) zip.addEmptyDirectory(name, { mode: stats.mode, mtime: stats.mtime })
      else if (stats.isSymbolicLink()) zip.addBuffer(Buffer.from(readlinkSync(path)), name, options)
      else if (i++ % 2 === 0) zip.addReadStream(createReadStream(path), name, options)
      else zip.addFile(path, name, options)
    }
    zip.end({ forceZip64Format: true })
    await pipeline(zip.outputStream, createWriteStream(out))
  },

  // What actions/upload-artifact uploads. It follows symlinks and leaves out empty
  // directories.
  async artifact () {
    const upload = join(modules, '@actions/artifact/lib/internal/upload')
    const { getUploadZipSpecification } = await import(pathToFileURL(join(upload, 'upload-zip-specification.js')))
    const { createZipUploadStream } = await import(pathToFileURL(join(upload, 'zip.js')))
    const files = [...walk(directory)].filter(({ stats }) => stats.isFile()).map(({ path }) => path)
    await pipeline(await createZipUploadStream(getUploadZipSpecification(files, directory)), createWriteStream(out))
  }
}

await libraries[library]()
